// Random requests: how many, how long, and what they share.

import { describe, expect, it } from 'vitest'
import { type Dataset, makeRequests, templateTokens } from '#qvl/engine/throughput/datasets.js'

const texts: Dataset = { name: 'random', numRequests: 50, inputLen: 40, rangeRatio: 0 }
const pairs: Dataset = {
  name: 'random-rerank',
  numRequests: 3,
  queryLen: 9,
  documentLen: 30,
  documentsPerRequest: 4,
  rangeRatio: 0,
}
const from = { vocabSize: 1000, seed: 7 }

const lengths = (requests: readonly Int32Array[][]): number[] => requests.flat().map(({ length }) => length)

const common = (a: Int32Array, b: Int32Array): number => a.findIndex((id, index) => id !== b[index])

describe('makeRequests', () => {
  it.each<[string, Dataset, number[]]>([
    ['texts', texts, Array(50).fill(40)],
    ['pairs', pairs, Array(12).fill(9 + 30 + templateTokens.before + templateTokens.after)],
    ['texts of one token', { ...texts, numRequests: 1, inputLen: 1, rangeRatio: 0.4 }, [2]],
  ])('makes %s of the lengths asked for', (_, dataset, expected) => {
    const requests = makeRequests(dataset, { ...from, seed: 3 })
    expect(requests).toHaveLength(dataset.numRequests)
    expect(lengths(requests)).toEqual(expected)
  })

  it('varies lengths within the ratio', () => {
    const found = lengths(makeRequests({ ...texts, numRequests: 500, rangeRatio: 0.5 }, from))
    expect([Math.min(...found), Math.max(...found)]).toEqual([20, 60])
  })

  it('makes pairs that begin with the template, and with the query of their request', () => {
    const [first, second] = makeRequests(pairs, from)
    expect(common(first![0]!, first![1]!)).toBe(templateTokens.before + 9)
    expect(common(first![0]!, second![0]!)).toBe(templateTokens.before)
    const tails = [...first!, ...second!].map((ids) => ids.slice(-templateTokens.after).join())
    expect(new Set(tails).size).toBe(1)
  })

  it('makes the same ids of the same seed, all of the vocabulary', () => {
    const requests = makeRequests(texts, from)
    expect(makeRequests(texts, from)).toEqual(requests)
    expect(makeRequests(texts, { ...from, seed: 8 })).not.toEqual(requests)
    const ids = requests.flat().flatMap((sequence) => [...sequence])
    expect(Math.max(...ids)).toBeLessThan(1000)
    expect(Math.min(...ids)).toBeGreaterThanOrEqual(0)
    expect(new Set(ids).size).toBeGreaterThan(800)
  })
})
