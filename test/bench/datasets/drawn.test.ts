import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type BenchRequest, type DatasetOptions, makeDataset } from '#qvl/bench/datasets/dataset.js'
import { expectRefused, real, requestsOf, tiny, tinyReranker } from './tokenizers.js'

/**
 * Made by running the dataset classes of vLLM (RandomDataset, RandomDatasetForReranking) with transformers 5.18 and
 * NumPy 2.4.6 on the same tokenizers. vLLM's newest RandomDataset also fits the common prefix, and prefix_repetition is not
 * in the version that was run: these two draws were made by a program that follows its source.
 */
const drawn: Record<'tiny' | 'real', Draws> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'vllm-draws.json'), 'utf8'),
).drawn

interface Draws {
  requests: Record<string, [prompt: string | string[], promptLen: number][]>
  nextGap: number
  tutorialEmbeddings: Digest
  tutorialRerank: Digest
}

interface Digest {
  sha256: string
  tokens: number
}

const cases: [name: string, options: DatasetOptions][] = [
  ['plain', { name: 'random', numPrompts: 6, randomInputLen: 40 }],
  ['ratio', { name: 'random', seed: 7, numPrompts: 9, randomInputLen: 30, randomRangeRatio: 0.5, randomOutputLen: 64 }],
  [
    'prefix',
    { name: 'random', seed: 1, numPrompts: 5, randomInputLen: 20, randomPrefixLen: 12, randomRangeRatio: 0.2 },
  ],
  ['batch', { name: 'random', seed: 3, numPrompts: 7, randomInputLen: 16, randomBatchSize: 3 }],
  ['rerank', { name: 'random-rerank', numPrompts: 5, randomInputLen: 60 }],
  [
    'rerank-ratio',
    { name: 'random-rerank', seed: 5, numPrompts: 7, randomInputLen: 50, randomRangeRatio: 0.4, randomBatchSize: 3 },
  ],
  [
    'no-reranker',
    { name: 'random-rerank', seed: 2, numPrompts: 9, randomInputLen: 24, randomBatchSize: 4, noReranker: true },
  ],
  [
    'prefix-repetition',
    {
      name: 'prefix_repetition',
      seed: 4,
      numPrompts: 14,
      prefixRepetitionNumPrefixes: 3,
      prefixRepetitionPrefixLen: 10,
      prefixRepetitionSuffixLen: 14,
    },
  ],
]

const digest = (requests: readonly BenchRequest[]): Digest => ({
  sha256: createHash('sha256')
    .update(requests.map(({ prompt }) => [prompt].flat().join('\0')).join('\0'))
    .digest('hex'),
  tokens: requests.reduce((sum, { promptLen }) => sum + promptLen, 0),
})

describe.each([
  ['the tiny tokenizer', tiny, drawn.tiny],
  ['the Qwen3 tokenizer', real, drawn.real],
])("vLLM's requests with %s", (_, tokenizer, expected) => {
  it.each(cases)('%s', async (name, options) => {
    const requests = await requestsOf({ ...options, tokenizer })
    expect(requests.map(({ prompt, promptLen }) => [prompt, promptLen])).toEqual(expected.requests[name])
  })

  it.each([
    ['tutorialEmbeddings', { name: 'random', randomInputLen: 200 }],
    ['tutorialRerank', { name: 'random-rerank', randomInputLen: 200 }],
  ] as const)('all thousand of the tutorial: %s', async (name, options) => {
    expect(digest(await requestsOf({ ...options, tokenizer }))).toEqual(expected[name])
  })

  it('arrival gaps go on where prefix_repetition ends', async () => {
    const { random } = await makeDataset({ ...cases.at(-1)![1], tokenizer })
    expect(random.gamma(1, 0.1)).toBeCloseTo(expected.nextGap, 14)
  })
})

describe('drawn prompts', () => {
  it('have the tokens that were asked for', async () => {
    const requests = await requestsOf({ name: 'random', tokenizer: real, numPrompts: 50, randomInputLen: 64 })
    expect(requests.map(({ prompt }) => real.encode(String(prompt)).length)).toEqual(Array(50).fill(64))
  })

  it('that miss their length are counted in a warning', async () => {
    const { warnings } = await makeDataset({
      name: 'random',
      tokenizer: tiny,
      numPrompts: 9,
      seed: 7,
      randomInputLen: 30,
      randomRangeRatio: 0.5,
    })
    expect(warnings).toEqual([
      'Across all generated prompts, there were 2 more tokens than expected after decoding and re-encoding.',
    ])
  })

  it('of another seed are others', async () => {
    const [a, b] = await Promise.all(
      [0, 1].map((seed) => requestsOf({ name: 'random', tokenizer: tiny, seed, numPrompts: 5, randomInputLen: 20 })),
    )
    expect(a).not.toEqual(b)
  })

  it('stop when the signal is aborted', async () => {
    const options = { name: 'random', tokenizer: real } as const
    await expect(makeDataset({ ...options, signal: AbortSignal.abort('stop') })).rejects.toBe('stop')
    await expect(makeDataset({ ...options, signal: AbortSignal.timeout(50) })).rejects.toThrow(/timeout/)
  })
})

describe('unique queries', () => {
  it.each([
    ['one document each', 1, 6],
    ['batches', 4, 2],
  ])('%s: a query per request, all lengths as before', async (_, randomBatchSize, numRequests) => {
    const options = {
      name: 'random-rerank',
      tokenizer: real,
      numPrompts: 6,
      randomInputLen: 64,
      randomBatchSize,
    } as const
    const requests = await requestsOf({ ...options, randomUniqueQueries: true })
    const usual = await requestsOf(options)
    expect(new Set(requests.map(({ prompt }) => prompt[0])).size).toBe(numRequests)
    expect(new Set(usual.map(({ prompt }) => prompt[0])).size).toBe(1)
    expect(requests.map(({ promptLen }) => promptLen)).toEqual(usual.map(({ promptLen }) => promptLen))
    expect(requests.map(({ prompt }) => prompt.length)).toEqual(usual.map(({ prompt }) => prompt.length))
  })
})

describe('what cannot be drawn', () => {
  it.each<[options: DatasetOptions, param: string, words: RegExp]>([
    [{ name: 'random', randomInputLen: 1 }, '--random-input-len', /without a token/],
    [{ name: 'random', randomRangeRatio: 1 }, '--random-range-ratio', /below 1/],
    [{ name: 'random', randomRangeRatio: { input: 0, output: -1 } }, '--random-range-ratio', /below 1/],
    [{ name: 'random', datasetPath: 'x.jsonl' }, '--dataset-path', /drawn, not read/],
    [{ name: 'random', seed: 2 ** 32 }, '--seed', /from 0 to 4294967295/],
    [{ name: 'random', numPrompts: 0 }, '--num-prompts', /at least 1/],
    [{ name: 'random', randomBatchSize: 1.5 }, '--random-batch-size', /whole number/],
    [{ name: 'random-rerank', randomInputLen: 4 }, '--random-input-len', /no token/],
    [{ name: 'random-rerank', noReranker: true }, '--no-reranker', /one place of a batch/],
    [{ name: 'random-mm', randomBatchSize: 2 }, '--random-batch-size', /one message/],
    [{ name: 'random-mm', randomMmLimitMmPerPrompt: { video: 1 } }, '--random-mm-limit-mm-per-prompt', /image/],
    [{ name: 'random-mm', randomMmLimitMmPerPrompt: { image: 0 } }, '--random-mm-limit-mm-per-prompt', /may have 0/],
    [{ name: 'random-mm', randomMmNumMmItemsRangeRatio: 1.1 }, '--random-mm-num-mm-items-range-ratio', /0 to 1/],
    [{ name: 'random-mm', randomMmBucketConfig: [] }, '--random-mm-bucket-config', /above zero/],
    [
      { name: 'random-mm', randomMmBucketConfig: [{ height: 0, width: 1, frames: 1, probability: 1 }] },
      '--random-mm-bucket-config',
      /no size/,
    ],
    [{ name: 'prefix_repetition', numPrompts: 9 }, '--prefix-repetition-num-prefixes', /10 prefixes/],
    [{ name: 'sharegpt' }, '--dataset-path', /needs a file/],
  ])('%j', async (options, param, words) => {
    await expectRefused({ tokenizer: tiny, ...options }, 'USAGE', param, words)
  })

  it('without a tokenizer', async () => {
    await expectRefused({ name: 'random' }, 'USAGE', '--skip-tokenizer-init', /needs a tokenizer/)
  })
})

it('drops a modality that is full', async () => {
  const requests = await requestsOf({
    name: 'random-mm',
    tokenizer: tinyReranker,
    numPrompts: 3,
    randomInputLen: 8,
    randomMmBaseItemsPerRequest: 1,
    randomMmLimitMmPerPrompt: { image: 1, video: 0 },
    randomMmBucketConfig: [
      { height: 8, width: 8, frames: 1, probability: 0.2 },
      { height: 8, width: 8, frames: 2, probability: 0.8 },
    ],
  })
  expect(requests.map(({ media }) => media?.map(({ type }) => type))).toEqual(Array(3).fill(['image_url']))
})
