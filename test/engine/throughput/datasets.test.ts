// Random requests: how many, how long, and what they share.

import { describe, expect, it } from 'vitest'
import type { Sequence } from '#qvl/engine/requests.js'
import {
  type Dataset,
  imageAlone,
  imageTokensOf,
  makeRequests,
  templateTokens,
  withoutImages,
} from '#qvl/engine/throughput/datasets.js'
import { NoiseImages } from '#qvl/engine/throughput/noise-images.js'
import { openVl } from '../../support/vl.js'

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

const lengths = (requests: readonly Sequence[][]): number[] => requests.flat().map(({ ids }) => ids.length)

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
    expect(common(first![0]!.ids, first![1]!.ids)).toBe(templateTokens.before + 9)
    expect(common(first![0]!.ids, second![0]!.ids)).toBe(templateTokens.before)
    const tails = [...first!, ...second!].map(({ ids }) => ids.slice(-templateTokens.after).join())
    expect(new Set(tails).size).toBe(1)
  })

  it('makes the same ids of the same seed, all of the vocabulary', () => {
    const requests = makeRequests(texts, from)
    expect(makeRequests(texts, from)).toEqual(requests)
    expect(makeRequests(texts, { ...from, seed: 8 })).not.toEqual(requests)
    const ids = requests.flat().flatMap((sequence) => [...sequence.ids])
    expect(Math.max(...ids)).toBeLessThan(1000)
    expect(Math.min(...ids)).toBeGreaterThanOrEqual(0)
    expect(new Set(ids).size).toBeGreaterThan(800)
  })
})

describe('requests with images', () => {
  const noiseOf = async (tokens: number): Promise<NoiseImages> => {
    const { config } = await openVl('qwen3-vl-embedding')
    return new NoiseImages(config.vision, { tokens, seed: 3 })
  }
  const imagePairs: Dataset = { ...pairs, imageTokens: 12 }

  it('have their images before the text, each unlike the others', async () => {
    const noise = await noiseOf(12)
    const images: Dataset = { ...texts, name: 'random-mm', numRequests: 2, imagesPerRequest: 2, imageTokens: 12 }
    const requests = makeRequests(images, { ...from, nextImage: () => noise.next() })
    expect(lengths(requests)).toEqual([64, 64])
    const visuals = requests.flatMap(([sequence]) => sequence!.visuals!)
    expect(visuals.map(({ starts }) => starts)).toEqual([[0], [12], [0], [12]])
    expect(new Set(visuals.map(({ facts }) => facts.key)).size).toBe(4)
    expect(noise.byKey.size).toBe(4)
  })

  it('have one image in the query of a request, and the same texts without it', async () => {
    const noise = await noiseOf(12)
    const requests = makeRequests(imagePairs, { ...from, nextImage: () => noise.next() })
    expect(noise.byKey.size).toBe(3)
    for (const request of requests) {
      expect(new Set(request.map(({ visuals }) => visuals![0]!.facts.key)).size).toBe(1)
      expect(request.map(({ visuals }) => visuals![0]!.starts)).toEqual(Array(4).fill([templateTokens.before]))
    }
    const stripped = requests.map((request) => request.map(withoutImages))
    expect(stripped).toEqual(makeRequests(pairs, from))
    expect(imageAlone(requests[0]![0]!.visuals![0]!.facts).ids).toHaveLength(12)
  })

  it.each<[number, [number, number]]>([
    [1280, [32, 40]],
    [16, [4, 4]],
    [7, [1, 7]],
  ])('an image of %i tokens has %j of them', async (tokens, [height, width]) => {
    const image = (await noiseOf(tokens)).next()
    expect(image.tokens).toEqual({ height, width })
    expect(image.grid).toEqual([1, 2 * height, 2 * width])
  })

  it.each<[Dataset, number | undefined]>([
    [texts, undefined],
    [pairs, undefined],
    [imagePairs, 12],
  ])('%j: tokens of an image', (dataset, expected) => {
    expect(imageTokensOf(dataset)).toBe(expected)
  })

  it('need images', () => {
    expect(() => makeRequests(imagePairs, from)).toThrow('needs images')
  })
})
