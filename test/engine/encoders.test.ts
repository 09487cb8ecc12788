// Encoders through the engine: their heads, how their vectors are made, their prompts, limits and number types.

import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { openEngine } from '#qvl/engine/engine.js'
import type { EngineOptions } from '#qvl/engine/options.js'
import { planEngine } from '#qvl/engine/plan.js'
import type { EmbedRequest, Engine } from '#qvl/engine/requests.js'
import { cosine, goldenPath, maxDifference, readGolden } from '../support/golden.js'
import { variantOf } from '../support/variants.js'

/** `name` is a golden checkpoint, or a folder. */
const open = (name: string, options: Partial<EngineOptions> = {}): Promise<Engine> =>
  openEngine({ model: path.isAbsolute(name) ? name : goldenPath(`checkpoints/${name}`), ...options })

/** Numbers that repeat, for tensors that only have to be different. */
const numbers = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(i + 1))

const labels = (...names: string[]) => ({ id2label: Object.fromEntries(names.entries()) })

/** A BERT with a head of so many labels, which scores pairs or classifies. */
const bertWithHead = (numLabels: number, config: object = {}): string =>
  variantOf('bert-embedding', {
    files: {
      'config.json': { architectures: ['BertForSequenceClassification'], ...config },
      'modules.json': undefined,
    },
    tensors: {
      'classifier.weight': { shape: [numLabels, 48], data: numbers(numLabels * 48) },
      'classifier.bias': { shape: [numLabels], data: numbers(numLabels) },
    },
  })

const onReference = { device: 'reference' } as const
const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit))

describe('a head of one label', () => {
  const request = { query: 'hello world', documents: ['hello world', 'a doctor'] }

  it('sees which text is which, and a sigmoid makes scores of its logits', async () => {
    await using engine = await open(bertWithHead(1), onReference)
    const task = engine.preparer.score(request)
    expect(task.sequences.map(({ pool, secondFrom }) => [pool, secondFrom])).toEqual([
      ['first', 9],
      ['first', 9],
    ])
    const [score] = (await engine.submit([task])[0]!).scores
    const [logit] = (await engine.score({ ...request, useActivation: false })).scores
    expect(score).toBeCloseTo(sigmoid(logit!), 12)
    const untold = { ...task, sequences: task.sequences.map(({ secondFrom: _, ...rest }) => rest) }
    const [other] = (await engine.submit([untold])[0]!).scores
    expect(Math.abs(other! - score!)).toBeGreaterThan(1e-4)
  })

  it('gives logits where the checkpoint says that they are the scores', async () => {
    const dir = bertWithHead(1, { sentence_transformers: { activation_fn: 'torch.nn.modules.linear.Identity' } })
    await using engine = await open(dir, onReference)
    const { scores } = await engine.score(request)
    expect(scores).toEqual((await engine.score({ ...request, useActivation: false })).scores)
  })

  it('needs a row for each token type that the tokenizer gives', async () => {
    const processor = readGolden<{ post_processor: object }>('checkpoints/bert-embedding/tokenizer.json').post_processor
    const dir = variantOf('xlm-roberta-reranker', { files: { 'tokenizer.json': { post_processor: processor } } })
    await expect(open(dir, onReference)).rejects.toMatchObject({ code: 'TOKENIZER_INVALID' })
  })

  it('missing from the weights, is named', async () => {
    const files = { 'config.json': { architectures: ['BertForSequenceClassification'] } }
    await expect(open(variantOf('bert-embedding', { files }), onReference)).rejects.toMatchObject({
      code: 'TENSOR_MISSING',
      message: expect.stringContaining('classifier.weight'),
    })
  })
})

describe('a head of several labels', () => {
  it.each<[string, object, (logits: Float32Array) => number[]]>([
    ['exactly one holds', {}, (logits) => [...logits].map((each) => Math.exp(each) / sumOf(logits.map(Math.exp)))],
    ['each may hold', { problem_type: 'multi_label_classification' }, (logits) => [...logits].map(sigmoid)],
  ])('%s', async (_, config, expected) => {
    await using engine = await open(bertWithHead(3, { ...labels('no', 'maybe', 'yes'), ...config }), onReference)
    expect(engine.model.labels).toEqual(['no', 'maybe', 'yes'])
    const classify = (useActivation: boolean) =>
      engine.submit([engine.preparer.classify({ content: 'hello world', useActivation })])[0]!
    const [{ probs }, { probs: logits }] = await Promise.all([classify(true), classify(false)])
    expect(maxDifference(probs, expected(logits))).toBeLessThan(1e-6)
    expect(() => engine.preparer.score({ query: 'a', documents: ['b'] })).toThrow(/3 labels/)
  })

  const sumOf = (values: Float32Array): number => values.reduce((sum, each) => sum + each, 0)
})

describe('vectors', () => {
  const text = 'The capital of France is Paris.'

  it('keep their length without a Normalize module, unless a request says otherwise', async () => {
    const modules = readGolden<object[]>('checkpoints/bert-embedding/modules.json').slice(0, 2)
    await using engine = await open(variantOf('bert-embedding', { files: { 'modules.json': modules } }), onReference)
    const [plain, normal] = [
      await engine.embed({ content: text }),
      await engine.embed({ content: text, useActivation: true }),
    ]
    expect(Math.hypot(...plain.vector)).toBeGreaterThan(1.5)
    expect(Math.hypot(...normal.vector)).toBeCloseTo(1, 6)
    expect(cosine(plain.vector, normal.vector)).toBeGreaterThan(0.999999)
    expect(engine.model.formatReason).toContain('the mean of all tokens, not normalised')
  })

  it.each(['first', 'last', 'mean'] as const)('of the %s of the tokens', async (pooling) => {
    await using engine = await open('xlm-roberta-embedding', { ...onReference, pooling })
    const { vector } = await engine.embed({ content: text, useActivation: false })
    const task = engine.preparer.tokenEmbed({ content: text, useActivation: false })
    const { rows, width, data } = await engine.submit([task])[0]!
    expect([rows, width]).toEqual([task.promptTokens, 48])
    const row = (index: number) => data.subarray(index * width, (index + 1) * width)
    const mean = Float32Array.from({ length: width }, (_, i) => {
      let sum = 0
      for (let index = 0; index < rows; index++) sum += row(index)[i]!
      return sum / rows
    })
    const expected = { first: row(0), last: row(rows - 1), mean }[pooling]
    expect(maxDifference(vector, expected)).toBeLessThan(1e-5)
  })

  it('of tokens, normalised', async () => {
    await using engine = await open('bert-embedding', onReference)
    const { rows, width, data } = await engine.submit([engine.preparer.tokenEmbed({ content: text })])[0]!
    for (let row = 0; row < rows; row++) {
      expect(Math.hypot(...data.subarray(row * width, (row + 1) * width))).toBeCloseTo(1, 5)
    }
  })

  it('get the prompts of the checkpoint', async () => {
    const prompts = { prompts: { query: 'query: ', passage: 'passage: ' }, default_prompt_name: null }
    const dir = variantOf('xlm-roberta-embedding', { files: { 'config_sentence_transformers.json': prompts } })
    await using engine = await open(dir, { ...onReference, defaultPrompt: 'passage' })
    expect(engine.model.promptNames).toEqual(['query', 'passage'])
    const written = engine.preparer.tokenize(`query: ${text}`, { addSpecialTokens: true }).ids
    const idsOf = (request: Partial<EmbedRequest>) => [
      ...engine.preparer.embed({ content: text, ...request }).sequences[0]!.ids,
    ]
    expect(idsOf({ promptName: 'query' })).toEqual(written)
    expect(idsOf({ role: 'query' })).toEqual(written)
    expect(idsOf({})).toEqual(engine.preparer.tokenize(`passage: ${text}`, { addSpecialTokens: true }).ids)
    const [query, document] = engine.preparer.score({ query: text, documents: [text] }).sequences
    expect([[...query!.ids], [...document!.ids]]).toEqual([written, idsOf({})])
  })
})

describe('scores of an embedder', () => {
  const request = { query: 'the capital of France', documents: ['Paris', 'a broken bicycle of the team'] }

  it('are cosines', async () => {
    await using engine = await open('bert-embedding', onReference)
    const { scores } = await engine.score(request)
    const vectors = await Promise.all([request.query, ...request.documents].map((content) => engine.embed({ content })))
    for (const [index, score] of scores.entries()) {
      expect(score).toBeCloseTo(cosine(vectors[0]!.vector, vectors[index + 1]!.vector), 5)
    }
  })

  it.each([
    ['asked for', 'bert-embedding', { lateInteraction: true }],
    ['of a model that pools no tokens', undefined, {}],
  ] as const)('are sums of the best cosines of tokens when that is %s', async (_, name, options) => {
    const [transformer] = readGolden<object[]>('checkpoints/bert-embedding/modules.json')
    const dir = name ?? variantOf('bert-embedding', { files: { 'modules.json': [transformer!] } })
    await using engine = await open(dir, { ...onReference, ...options })
    const { scores } = await engine.score(request)
    const [query, ...documents] = await Promise.all(
      engine.submit([request.query, ...request.documents].map((content) => engine.preparer.tokenEmbed({ content }))),
    )
    const tokensOf = ({ rows, width, data }: { rows: number; width: number; data: Float32Array }) =>
      Array.from({ length: rows }, (_, row) => data.subarray(row * width, (row + 1) * width))
    for (const [index, document] of documents.entries()) {
      const best = tokensOf(query!).map((token) => Math.max(...tokensOf(document).map((other) => cosine(token, other))))
      expect(scores[index]).toBeCloseTo(
        best.reduce((sum, each) => sum + each, 0),
        4,
      )
    }
  })
})

describe('limits and number types', () => {
  it('max_seq_length is the default limit, and more may be asked for', async () => {
    await using engine = await open('bert-embedding', onReference)
    expect(engine.model.maxModelLen).toBe(128)
    await using longer = await open('bert-embedding', { ...onReference, maxModelLen: 512 })
    expect(longer.model.maxModelLen).toBe(512)
    await expect(open('bert-embedding', { ...onReference, maxModelLen: 513 })).rejects.toMatchObject({ code: 'USAGE' })
  })

  it.runIf(hasAddon()).each([
    ['float32', {}],
    ['bfloat16', { dtype: 'bfloat16' }],
    ['int8', { quantization: 'int8' }],
  ] as const)('products in %s', async (dtype, options) => {
    const plan = await planEngine({ model: goldenPath('checkpoints/bert-embedding'), device: 'cpu', ...options })
    expect(plan.dtype).toBe(dtype)
  })
})

it('a pooling that a model is not made for is refused', async () => {
  for (const name of ['xlm-roberta-reranker', 'qwen3-embedding']) {
    await expect(open(name, { ...onReference, pooling: 'mean' })).rejects.toMatchObject({ code: 'USAGE' })
  }
})
