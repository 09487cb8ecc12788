// The requests of a throughput run: sequences of random token ids, made without a tokenizer.

import type { VisualFacts } from '../../media/visual.js'
import type { Sequence } from '../requests.js'
import { randomIntegers } from './random.js'

/** Each request is one text. */
export interface RandomTexts {
  name: 'random'
  numRequests: number
  inputLen: number
}

/** Each request is one text behind images. */
export interface RandomImages {
  name: 'random-mm'
  numRequests: number
  inputLen: number
  imagesPerRequest: number
  imageTokens: number
}

/**
 * Each request is a query with documents, one sequence for each pair: template, query, document, template. The template
 * is the same everywhere, the query the same within a request.
 */
export interface RandomPairs {
  name: 'random-rerank'
  numRequests: number
  queryLen: number
  documentLen: number
  documentsPerRequest: number
  /** Of an image before the text of the query, if it has one. */
  imageTokens?: number | undefined
}

export type Dataset = (RandomTexts | RandomImages | RandomPairs) & {
  /** Lengths of texts vary evenly between 1 − r and 1 + r times the given ones. */
  rangeRatio: number
}

/**
 * Template tokens of the official Qwen3-VL reranker prompt around query and document. The tutorials' 265 tokens a pair
 * are 99 of the query, 100 of the document and these 66.
 */
export const templateTokens = { before: 58, after: 8 } as const

export interface MakeOptions {
  vocabSize: number
  seed: number
  /** The facts of the next image; needed for datasets that have some. */
  nextImage?: () => VisualFacts
}

/** Tokens of each image, if there are any. */
export const imageTokensOf = (dataset: Dataset): number | undefined =>
  dataset.name === 'random' ? undefined : dataset.imageTokens

/** The sequences of each request. The same seed gives the same ids. */
export function makeRequests(dataset: Dataset, options: MakeOptions): Sequence[][] {
  const next = randomIntegers(options.seed)
  const ids = (length: number): Int32Array => Int32Array.from({ length }, () => next() % options.vocabSize)
  const varied = (length: number): Int32Array => ids(variedLength(length, dataset.rangeRatio, next))
  const each = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
  const image = (): VisualFacts => options.nextImage?.() ?? noImages()
  switch (dataset.name) {
    case 'random':
      return each(dataset.numRequests, () => [sequenceOf([varied(dataset.inputLen)])])
    case 'random-mm':
      return each(dataset.numRequests, () => [
        sequenceOf([...each(dataset.imagesPerRequest, image), varied(dataset.inputLen)]),
      ])
    case 'random-rerank': {
      const [before, after] = [ids(templateTokens.before), ids(templateTokens.after)]
      return each(dataset.numRequests, () => {
        const text = varied(dataset.queryLen)
        const query = dataset.imageTokens === undefined ? [text] : [image(), text]
        return each(dataset.documentsPerRequest, () =>
          sequenceOf([before, ...query, varied(dataset.documentLen), after]),
        )
      })
    }
    default:
      return dataset satisfies never
  }
}

/** The same sequence without its images. */
export function withoutImages({ ids, visuals = [] }: Sequence): Sequence {
  const isImage = new Uint8Array(ids.length)
  for (const { facts, starts } of visuals) isImage.fill(1, starts[0]!, starts[0]! + tokensOf(facts))
  return sequenceOf([ids.filter((_, index) => isImage[index] === 0)])
}

/** A sequence of an image alone. */
export const imageAlone = (image: VisualFacts): Sequence => sequenceOf([image])

/** Texts and images one after another. What stands in place of an image's tokens is never read. */
function sequenceOf(parts: readonly (Int32Array | VisualFacts)[]): Sequence {
  const lengthOf = (part: Int32Array | VisualFacts): number => ('key' in part ? tokensOf(part) : part.length)
  const ids = new Int32Array(parts.reduce((sum, part) => sum + lengthOf(part), 0))
  const visuals: { facts: VisualFacts; starts: number[] }[] = []
  let at = 0
  for (const part of parts) {
    if ('key' in part) visuals.push({ facts: part, starts: [at] })
    else ids.set(part, at)
    at += lengthOf(part)
  }
  return { ids, prefixTokens: 0, pool: 'last', ...(visuals.length > 0 && { visuals }) }
}

const tokensOf = ({ tokens }: VisualFacts): number => tokens.height * tokens.width

function noImages(): never {
  throw new RangeError('this dataset needs images')
}

/** At least one token, as an empty sequence has no row to pool. */
function variedLength(length: number, ratio: number, next: () => number): number {
  const shortest = Math.max(1, Math.floor(length * (1 - ratio)))
  const longest = Math.max(shortest, Math.ceil(length * (1 + ratio)))
  return shortest + (next() % (longest - shortest + 1))
}
