import { describe, expect, it } from 'vitest'
import type { HeadActivation } from '#qvl/checkpoint/config-head.js'
import { answer, type PooledRows } from '#qvl/engine/answers.js'
import type { ClassifyTask, ScoreTask } from '#qvl/engine/requests.js'

const rows = (logits: number[]): PooledRows => ({
  rows: 1,
  hidden: new Float32Array(4),
  logits: Float32Array.from(logits),
  sharedTokens: 3,
})

const classify = (useActivation: boolean): ClassifyTask => ({
  kind: 'classify',
  sequences: [],
  promptTokens: 7,
  useActivation,
})

const timing = { queueMs: 1, runMs: 2 }

describe('a classification', () => {
  it.each<[string, boolean, number[], number[]]>([
    ['one label: yes or no', true, [0], [0.5]],
    ['several labels: one of them', true, [0, Math.log(3)], [0.25, 0.75]],
    ['large numbers', true, [1000, 1000], [0.5, 0.5]],
    ['raw', false, [2, -1], [2, -1]],
  ])('%s', async (_, useActivation, logits, expected) => {
    const result = await answer(classify(useActivation), [rows(logits)], timing, { yesNo: undefined })
    expect(result.probs).toHaveLength(expected.length)
    for (const [index, value] of expected.entries()) expect(result.probs[index]).toBeCloseTo(value, 6)
    expect(result).toMatchObject({ timing, usage: { promptTokens: 7, cachedTokens: 3 } })
  })
})

describe('what a head says of its logits', () => {
  it.each<[HeadActivation | undefined, number[], number[]]>([
    [undefined, [0], [0.5]],
    ['identity', [7], [7]],
    ['identity', [2, -1], [2, -1]],
    ['sigmoid', [0, Math.log(3)], [0.5, 0.75]],
    ['softmax', [0, Math.log(3)], [0.25, 0.75]],
  ])('%s of %j', async (activation, logits, expected) => {
    const result = await answer(classify(true), [rows(logits)], timing, { activation, yesNo: undefined })
    for (const [index, value] of expected.entries()) expect(result.probs[index]).toBeCloseTo(value, 6)
    const score: ScoreTask = { ...classify(true), kind: 'score' }
    const { scores } = await answer(score, [rows(logits)], timing, { activation, yesNo: undefined })
    if (logits.length === 1) expect(scores[0]).toBeCloseTo(expected[0]!, 6)
  })
})

it('a vector of several rows is their mean', async () => {
  const hidden = Float32Array.of(1, 2, 3, 6)
  const task = { ...classify(false), kind: 'embed', dimensions: undefined } as const
  const result = await answer(task, [{ ...rows([]), rows: 2, hidden }], timing, { yesNo: undefined })
  expect([...result.vector]).toEqual([2, 4])
})

it('the best cosines of tokens are added up, document by document', async () => {
  const query = { ...rows([]), rows: 2, hidden: Float32Array.of(2, 0, 0, 3) }
  const documents = [Float32Array.of(1, 0, 1, 0), Float32Array.of(0, 5), Float32Array.of(1, 1, 0, -1)]
  const computed = [query, ...documents.map((hidden) => ({ ...rows([]), rows: hidden.length / 2, hidden }))]
  const task = { ...classify(true), kind: 'maxsim' } as const
  const { scores } = await answer(task, computed, timing, { yesNo: undefined })
  for (const [index, score] of [1, 1, Math.SQRT2].entries()) expect(scores[index]).toBeCloseTo(score, 6)
})
