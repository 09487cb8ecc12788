// Pairs that are too long, cut as the tokenizers library cuts them.

import { describe, expect, it } from 'vitest'
import { type CutPairOptions, cutPair } from '#qvl/prompts/cut-pair.js'

const numbers = (from: number, length: number): number[] => Array.from({ length }, (_, index) => from + index)

/** Lengths of the two texts and the room for both, and what is left of each. */
type Row = [first: number, second: number, room: number, left: [number, number] | undefined]

const tables: Record<CutPairOptions['strategy'], Row[]> = {
  longest_first: [
    [3, 20, 10, [3, 7]],
    [20, 3, 10, [7, 3]],
    [5, 20, 10, [5, 5]],
    [8, 20, 10, [5, 5]],
    [20, 8, 11, [6, 5]],
    [8, 20, 11, [5, 6]],
    [8, 8, 11, [5, 6]],
    [0, 20, 10, [0, 10]],
    [20, 20, 1, [0, 1]],
    [20, 20, 0, [0, 0]],
    [20, 20, -1, undefined],
  ],
  only_first: [
    [20, 3, 10, [7, 3]],
    [20, 9, 10, [1, 9]],
    [20, 10, 10, undefined],
  ],
  only_second: [
    [3, 20, 10, [3, 7]],
    [9, 20, 10, [9, 1]],
    [10, 20, 10, undefined],
    [20, 3, 10, undefined],
  ],
}

describe.each(Object.entries(tables))('%s', (name, rows) => {
  const strategy = name as CutPairOptions['strategy']

  it.each(rows)('%d and %d tokens in %d', (numFirst, numSecond, room, left) => {
    const pair = { first: numbers(100, numFirst), second: numbers(200, numSecond) }
    const right = cutPair(pair, { room, strategy })
    expect(right && [right.first.length, right.second.length]).toEqual(left)
    if (left === undefined) return
    expect(right).toEqual({ first: pair.first.slice(0, left[0]), second: pair.second.slice(0, left[1]) })
    expect(cutPair(pair, { room, strategy, side: 'left' })).toEqual({
      first: numbers(100 + numFirst - left[0], left[0]),
      second: numbers(200 + numSecond - left[1], left[1]),
    })
  })
})
