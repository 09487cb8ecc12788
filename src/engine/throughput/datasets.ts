// The requests of a throughput run: sequences of random token ids, made without a tokenizer.

import { randomIntegers } from './random.js'

/** Each request is one text. */
export interface RandomTexts {
  name: 'random'
  numRequests: number
  inputLen: number
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
}

export type Dataset = (RandomTexts | RandomPairs) & {
  /** Lengths vary evenly between 1 − r and 1 + r times the given ones. */
  rangeRatio: number
}

/**
 * Template tokens of the official Qwen3-VL reranker prompt around query and document. The tutorials' 265 tokens a pair
 * are 99 of the query, 100 of the document and these 66.
 */
export const templateTokens = { before: 58, after: 8 } as const

/** The sequences of each request. The same seed gives the same ids. */
export function makeRequests(
  dataset: Dataset,
  { vocabSize, seed }: { vocabSize: number; seed: number },
): Int32Array[][] {
  const next = randomIntegers(seed)
  const ids = (length: number): Int32Array => Int32Array.from({ length }, () => next() % vocabSize)
  const varied = (length: number): Int32Array => ids(variedLength(length, dataset.rangeRatio, next))
  const each = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)
  if (dataset.name === 'random') return each(dataset.numRequests, () => [varied(dataset.inputLen)])
  const [before, after] = [ids(templateTokens.before), ids(templateTokens.after)]
  return each(dataset.numRequests, () => {
    const query = varied(dataset.queryLen)
    return each(dataset.documentsPerRequest, () => joined(before, query, varied(dataset.documentLen), after))
  })
}

/** At least one token, as an empty sequence has no row to pool. */
function variedLength(length: number, ratio: number, next: () => number): number {
  const shortest = Math.max(1, Math.floor(length * (1 - ratio)))
  const longest = Math.max(shortest, Math.ceil(length * (1 + ratio)))
  return shortest + (next() % (longest - shortest + 1))
}

function joined(...parts: readonly Int32Array[]): Int32Array {
  const ids = new Int32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    ids.set(part, at)
    at += part.length
  }
  return ids
}
