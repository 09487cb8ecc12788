import { describe, expect, it } from 'vitest'
import { answer, type PooledRows } from '#qvl/engine/answers.js'
import type { ClassifyTask } from '#qvl/engine/requests.js'

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

describe('a classification', () => {
  it.each<[string, boolean, number[], number[]]>([
    ['one label: yes or no', true, [0], [0.5]],
    ['several labels: one of them', true, [0, Math.log(3)], [0.25, 0.75]],
    ['large numbers', true, [1000, 1000], [0.5, 0.5]],
    ['raw', false, [2, -1], [2, -1]],
  ])('%s', async (_, useActivation, logits, expected) => {
    const timing = { queueMs: 1, runMs: 2 }
    const result = await answer(classify(useActivation), [rows(logits)], timing, { yesNo: undefined })
    expect(result.probs).toHaveLength(expected.length)
    for (const [index, value] of expected.entries()) expect(result.probs[index]).toBeCloseTo(value, 6)
    expect(result).toMatchObject({ timing, usage: { promptTokens: 7, cachedTokens: 3 } })
  })
})
