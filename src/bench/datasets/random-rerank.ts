// Dataset `random-rerank`: a query with batches of random documents.

import { QvlError } from '../../errors.js'
import { NumpyGenerator } from '../random/numpy-generator.js'
import { drawLengths, type Lengths, ownLength } from './lengths.js'
import type { RangeRatio } from './options.js'
import { pauses } from './pause.js'
import type { BenchRequest } from './request.js'
import { excessWarning, fitToLength, neighbours } from './sequence.js'
import type { BenchTokenizer } from './tokenizer.js'

export interface RandomRerankOptions {
  seed: number
  numPrompts: number
  /** Tokens of a query and one document, with one for what is between them. */
  inputLen: number
  rangeRatio: RangeRatio
  batchSize: number
  /** False: the query and each document have inputLen tokens of their own, and the query takes one place of a batch. */
  isReranker: boolean
  /** A new query per request, for vLLM's single one comes from the prefix cache after the first request. */
  uniqueQueries: boolean
  signal: AbortSignal | undefined
}

/** The counts that the draws follow from. */
interface Plan {
  numDocuments: number
  /** Documents of a request. */
  batchSize: number
  numRequests: number
  /** Tokens between a query and a document. */
  separator: number
}

/** Throws USAGE. */
export async function randomRerankRequests(
  tokenizer: BenchTokenizer,
  options: RandomRerankOptions,
): Promise<{ requests: BenchRequest[]; warnings: string[] }> {
  const plan = planRequests(options)
  const random = new NumpyGenerator(options.seed)
  const [queries, documents] = drawPairs(random, tokenizer, options, plan)
  const pause = pauses(options.signal)
  let excess = 0
  const texts = async ({ inputLens, offsets }: Lengths, firstIndex: number): Promise<Text[]> => {
    const made: Text[] = []
    for (const [i, length] of inputLens.entries()) {
      const tokens = neighbours(tokenizer, offsets[i]! + firstIndex + i, length)
      const draw = (count: number) => random.integers(0, tokenizer.vocabSize, count)
      const fitted = fitToLength(tokenizer, tokens, length, draw)
      excess += fitted.excess
      made.push({ text: fitted.prompt, length: fitted.ids.length })
      await pause()
    }
    return made
  }
  const queryTexts = await texts(queries, 0)
  const documentTexts = await texts(documents, queryTexts.length)
  return { requests: group(queryTexts, documentTexts, options, plan), warnings: excessWarning(excess) }
}

interface Text {
  text: string
  length: number
}

function planRequests({ numPrompts, batchSize, isReranker }: RandomRerankOptions): Plan {
  if (isReranker) {
    return { numDocuments: numPrompts, batchSize, numRequests: Math.ceil(numPrompts / batchSize), separator: 1 }
  }
  if (numPrompts > 1 && batchSize > 1) {
    const numDocuments = numPrompts - 1
    const perRequest = batchSize - 1
    return { numDocuments, batchSize: perRequest, numRequests: Math.ceil(numDocuments / perRequest), separator: 0 }
  }
  throw new QvlError('USAGE', {
    what: `--no-reranker was given with --random-batch-size ${batchSize} and --num-prompts ${numPrompts}.`,
    why: 'The query takes one place of a batch, and one of the prompts.',
    do: 'Give at least 2 for both.',
    param: '--no-reranker',
  })
}

/** Lengths and starts of the queries, then of the documents, which take the rest of the input length. */
function drawPairs(
  random: NumpyGenerator,
  tokenizer: BenchTokenizer,
  options: RandomRerankOptions,
  plan: Plan,
): [queries: Lengths, documents: Lengths] {
  const { inputLen, rangeRatio, isReranker, uniqueQueries } = options
  const draw = (count: number, length: number): Lengths =>
    drawLengths(random, count, tokenizer, { inputLen: length, outputLen: 0, rangeRatio })
  const queryLen = isReranker ? Math.floor(inputLen / 2) - plan.separator : inputLen
  const queries = draw(uniqueQueries ? plan.numRequests : 1, queryLen)
  // With queries of several lengths, documents follow from the middle one.
  const taken = uniqueQueries ? ownLength(queryLen, tokenizer) : queries.inputLens[0]!
  const documents = draw(plan.numDocuments, isReranker ? inputLen - taken - plan.separator : inputLen)
  checkTexts(queries, documents)
  return [queries, documents]
}

function checkTexts(queries: Lengths, documents: Lengths): void {
  const empty = [...queries.inputLens, ...documents.inputLens].includes(0)
  if (!empty) return
  throw new QvlError('USAGE', {
    what: 'A query or a document would have no token.',
    why: 'They share --random-input-len, tokens go around each, and --random-range-ratio makes some shorter.',
    do: 'Increase --random-input-len, or decrease --random-range-ratio.',
    param: '--random-input-len',
  })
}

function group(
  queries: readonly Text[],
  documents: readonly Text[],
  { isReranker }: RandomRerankOptions,
  { batchSize, numRequests, separator }: Plan,
): BenchRequest[] {
  return Array.from({ length: numRequests }, (_, i) => {
    const query = queries[i % queries.length]!
    const batch = documents.slice(i * batchSize, (i + 1) * batchSize)
    const repeats = isReranker ? batch.length : 1
    const documentTokens = batch.reduce((sum, each) => sum + each.length, 0)
    return {
      prompt: [query.text, ...batch.map((each) => each.text)],
      promptLen: (query.length + separator) * repeats + documentTokens,
    }
  })
}
