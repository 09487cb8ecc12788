// Tasks of one submission share calls, as far as they go together.

import { expect, it } from 'vitest'
import type { Sequence, Task } from '#qvl/engine/requests.js'
import { bundlesOf } from '#qvl/engine/upstream/bundles.js'
import { maxSequencesPerCall, maxTokensPerCall } from '#qvl/engine/upstream/options.js'
import { piecesOf } from '#qvl/engine/upstream/pieces.js'

interface Shape {
  kind?: Task['kind']
  /** Tokens of each sequence. */
  lengths: readonly number[]
  secondFrom?: number
  visuals?: Sequence['visuals']
}

function taskOf({ kind = 'embed', lengths, ...others }: Shape): Task {
  const sequences = lengths.map((length) => ({
    ...others,
    ...{ ids: new Int32Array(length), prefixTokens: 0, pool: 'last' as const },
  }))
  const promptTokens = lengths.reduce((sum, length) => sum + length, 0)
  return { kind, sequences, promptTokens, useActivation: true, dimensions: undefined } as Task
}

const one: Shape = { lengths: [5] }
const half: Shape = { lengths: [maxTokensPerCall / 2] }
const three: Shape = { kind: 'score', lengths: [1, 1, 1] }
const pair: Shape = { kind: 'score', lengths: [4], secondFrom: 2 }
const picture: Shape = { ...one, visuals: [] }

it.each<[string, Shape[], number, number[]]>([
  ['no tasks', [], 32, []],
  ['one task', [one], 32, [1]],
  ['texts', [one, one, one], 32, [3]],
  ['texts for many replicas', [one, one, one], 1, [1, 1, 1]],
  ['more than a call may have', Array(70).fill(one), 32, [32, 32, 6]],
  ['as many tokens as a call may have', [half, half], 32, [2]],
  ['more tokens', [half, half, one, one], 32, [2, 2]],
  ['tasks of several documents', [three, three, three], 7, [2, 1]],
  ['a task that is larger than a call', [one, { lengths: Array(40).fill(1) }, one], 32, [1, 1, 1]],
  ['two kinds', [one, { ...one, kind: 'classify' }, { ...one, kind: 'classify' }, one], 32, [1, 2, 1]],
  ['pairs', [pair, pair], 32, [2]],
  ['pairs and what any replica understands', [pair, { ...pair, secondFrom: undefined! }], 32, [1, 1]],
  ['images', [one, picture, picture, one, one], 32, [1, 1, 1, 2]],
])('%s', (_, shapes, maxSequences, expected) => {
  const tasks = shapes.map(taskOf)
  const bundles = bundlesOf(tasks, maxSequences)
  expect(bundles.map(({ length }) => length)).toEqual(expected)
  expect(bundles.flat()).toEqual(tasks)
  for (const bundle of bundles.filter(({ length }) => length > 1)) {
    const sequences = bundle.flatMap((task) => task.sequences)
    expect(piecesOf({ kind: bundle[0]!.kind, sequences }, { model: 'm' }).length).toBe(1)
    expect(sequences.length).toBeLessThanOrEqual(maxSequencesPerCall)
  }
})
