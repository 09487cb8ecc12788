import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Engine, type Input, type OpenOptions, QvlError } from '#qvl/library/qvl.js'
import { cosine, type EmbedCase, floats, goldenPath, type ScoreCase, textCases } from '../support/golden.js'

/** Of scores, in float32 against the float32 reference. */
const tolerance = 1e-4
const leastCosine = 0.99999

const open = (checkpoint: string, options: Partial<OpenOptions> = {}): Promise<Engine> =>
  Engine.open({ model: goldenPath(`checkpoints/${checkpoint}`), device: 'ort', dtype: 'float32', ...options })

const picture = goldenPath('media/rgb_48x48.png')

let embedder: Engine
let reranker: Engine
let vl: Engine
beforeAll(async () => {
  embedder = await open('qwen3-embedding')
  reranker = await open('qwen3-reranker')
  vl = await open('qwen3-vl-embedding', { media: { localRoots: [goldenPath('media')] } })
})
afterAll(() => Promise.all([embedder, reranker, vl].map((engine) => engine.close())))

async function failure(work: () => Promise<unknown>): Promise<QvlError> {
  const error = await work().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  if (error instanceof QvlError) return error
  throw new Error(`no QvlError: ${error}`)
}

describe('embed', () => {
  it('gives the vectors of the reference', async () => {
    for (const { input, embedding } of textCases<EmbedCase>('qwen3-embedding').slice(0, 6)) {
      const { text, role, task, instruction = task, max_length: truncatePromptTokens } = input
      const { vector } = await embedder.embed(String(text), { role, instruction, truncatePromptTokens })
      expect(cosine(vector, floats(embedding))).toBeGreaterThan(leastCosine)
    }
  })

  it('gives a list in order, more than go into one round, with one usage', async () => {
    const texts = Array.from({ length: 300 }, (_, index) => `text ${index}`)
    const { vectors, usage } = await embedder.embed(texts, { dimensions: 16 })
    expect(vectors.map(({ length }) => length)).toEqual(texts.map(() => 16))
    let promptTokens = 0
    for (const index of [0, 255, 256, 299]) {
      const alone = await embedder.embed(texts[index]!, { dimensions: 16 })
      expect(cosine(vectors[index]!, alone.vector)).toBeGreaterThan(leastCosine)
      promptTokens = Math.max(promptTokens, alone.usage.promptTokens)
    }
    expect(usage.promptTokens).toBeGreaterThan(300)
    expect(usage.promptTokens).toBeLessThanOrEqual(300 * promptTokens)
    expect(await embedder.embed([])).toEqual({ vectors: [], usage: { promptTokens: 0, cachedTokens: 0 } })
  })

  it('takes an image as a path, a URL and bytes, by name and as a part', async () => {
    const bytes = await readFile(picture)
    const inputs: Input[] = [
      { image: picture },
      { image: pathToFileURL(picture) },
      { image: bytes },
      { image: [new Uint8Array(bytes)] },
      { image: `data:image/png;base64,${bytes.toString('base64')}` },
      { content: [{ type: 'image', image: bytes }] },
    ]
    const { vectors } = await vl.embed(inputs)
    for (const vector of vectors) expect(cosine(vectors[0]!, vector)).toBeGreaterThan(leastCosine)
    const { vector } = await vl.embed('a text')
    expect(cosine(vectors[0]!, vector)).toBeLessThan(leastCosine)
  })

  it('takes text, images and frames together, and more images than go into one round', async () => {
    const bytes = await readFile(picture)
    const one = await vl.embed({ text: 'what is this?', image: bytes })
    const other = await vl.embed({
      content: [
        { type: 'image', image: bytes },
        { type: 'text', text: 'what is this?' },
      ],
    })
    expect(cosine(one.vector, other.vector)).toBeGreaterThan(leastCosine)
    const frames = await vl.embed({ video: [bytes, bytes] })
    expect(frames.vector).toHaveLength(vl.model.dimensions)
    const { vectors } = await vl.embed(Array.from({ length: 40 }, (_, index) => ({ text: `${index}`, image: bytes })))
    expect(vectors).toHaveLength(40)
  })

  it('looks at images as a call asks', async () => {
    const sides = await Promise.all(
      [1, 4].map((tokens) => vl.embed({ image: picture }, { image: { maxPixels: tokens * 1024, minPixels: 1024 } })),
    )
    expect(sides[0]!.usage.promptTokens).toBeLessThan(sides[1]!.usage.promptTokens)
  })
})

describe('score and rerank', () => {
  it('give the scores of the reference, in order and best first', async () => {
    const cases = textCases<ScoreCase>('qwen3-reranker').filter(({ input }) => input.max_length === undefined)
    for (const { input, score, logit_diff: logit } of cases.slice(0, 6)) {
      const options = { instruction: input.instruction ?? undefined }
      const documents = ['Another document.', String(input.document)]
      const { scores, usage } = await reranker.score(String(input.query), documents, options)
      expect(Math.abs(scores[1]! - score)).toBeLessThan(tolerance)
      const raw = await reranker.score(String(input.query), documents, { ...options, useActivation: false })
      expect(Math.abs(raw.scores[1]! - logit)).toBeLessThan(10 * tolerance)
      const ranking = await reranker.rerank(String(input.query), documents, options)
      expect(ranking.results.map(({ index }) => index)).toEqual(scores[1]! > scores[0]! ? [1, 0] : [0, 1])
      expect(ranking.usage.promptTokens).toBe(usage.promptTokens)
    }
  })

  it('answer with the best so many', async () => {
    const documents = Array.from({ length: 20 }, (_, index) => `document ${index}`)
    const { results } = await reranker.rerank('which?', documents, { topN: 3 })
    const { scores } = await reranker.score('which?', documents)
    expect(results.map(({ score }) => score)).toEqual([...scores].sort((one, other) => other - one).slice(0, 3))
    for (const { index, score } of results) expect(score).toBe(scores[index])
  })

  it('compare vectors of an embedding model, images among them', async () => {
    const image = await readFile(picture)
    const [query, document] = await Promise.all([vl.embed('a square'), vl.embed({ image })])
    const { scores } = await vl.score('a square', [{ image }, 'a circle'])
    expect(Math.abs(scores[0]! - cosine(query.vector, document.vector))).toBeLessThan(tolerance)
    expect(scores).toHaveLength(2)
  })
})

const refusals: { what: string; code: string; param?: string; work: () => Promise<unknown> }[] = [
  { what: 'no model', code: 'USAGE', param: 'model', work: () => Engine.open(JSON.parse('{}')) },
  { what: 'a model that is not there', code: 'MODEL_REF_INVALID', work: () => Engine.open({ model: './nowhere' }) },
  { what: 'a number', code: 'REQUEST_INVALID', param: 'input', work: () => embedder.embed(JSON.parse('7')) },
  {
    what: 'an image that is a number',
    code: 'REQUEST_INVALID',
    param: 'input[1]',
    work: () => embedder.embed(['text', JSON.parse('{ "image": 7 }')]),
  },
  { what: 'an empty object', code: 'REQUEST_INVALID', param: 'input', work: () => embedder.embed({}) },
  {
    what: 'a part of no type',
    code: 'REQUEST_INVALID',
    param: 'input',
    work: () => embedder.embed(JSON.parse('{ "content": [{ "type": "sound" }] }')),
  },
  {
    what: 'a hole in a list',
    code: 'REQUEST_INVALID',
    param: 'input[1]',
    work: () => embedder.embed(Object.assign(['a'], { 2: 'c' })),
  },
  { what: 'a video of no frames', code: 'REQUEST_INVALID', param: 'input', work: () => vl.embed({ video: [] }) },
  {
    what: 'content beside a text',
    code: 'REQUEST_INVALID',
    param: 'input',
    work: () => vl.embed(untyped('{ "text": "a", "content": [{ "type": "text", "text": "b" }] }')),
  },
  {
    what: 'documents that are no list',
    code: 'REQUEST_INVALID',
    param: 'documents',
    work: () => reranker.score('q', JSON.parse('"d"')),
  },
  {
    what: 'a negative count',
    code: 'REQUEST_INVALID',
    param: 'topN',
    work: () => reranker.rerank('q', ['d'], { topN: -1 }),
  },
  { what: 'a vector of a reranker', code: 'REQUEST_INVALID', work: () => reranker.embed('text') },
  {
    what: 'an image for a text model',
    code: 'MEDIA_UNSUPPORTED',
    param: 'documents[1]',
    work: () => reranker.score('q', ['d', { image: picture }]),
  },
  { what: 'a file outside', code: 'MEDIA_BLOCKED', work: () => vl.embed({ image: '/etc/hostname' }) },
  {
    what: 'an address that is not public',
    code: 'MEDIA_BLOCKED',
    work: () => vl.embed({ image: 'http://127.0.0.1:1/a.png' }),
  },
  {
    what: 'bytes that are no image',
    code: 'MEDIA_INVALID',
    param: 'input[2]',
    work: () => vl.embed(['a', 'b', { image: new Uint8Array(64) }]),
  },
  {
    what: 'a long text',
    code: 'INPUT_TOO_LONG',
    param: 'input[1]',
    work: () => embedder.embed(['a', 'word '.repeat(50_000)]),
  },
]

/** As plain JavaScript may have them. */
const untyped = (json: string): never => JSON.parse(json) as never

/** Options as JSON, and the option that the error names. */
const unfit: Record<'open' | 'embed' | 'rerank', [string, string][]> = {
  open: [
    ['{ "treads": 2 }', 'treads'],
    ['{ "device": "gpu" }', 'device'],
    ['{ "dtype": "fp8" }', 'dtype'],
    ['{ "threads": "2" }', 'threads'],
    ['{ "threads": -1 }', 'threads'],
    ['{ "maxModelLen": 1.5 }', 'maxModelLen'],
    ['{ "signal": {} }', 'signal'],
    ['{ "onWarning": "x" }', 'onWarning'],
    ['{ "media": 5 }', 'media'],
    ['{ "media": { "localRoot": ["x"] } }', 'media.localRoot'],
    ['{ "media": { "localRoots": "x" } }', 'media.localRoots'],
    ['{ "media": { "image": { "maxPixels": 0 } } }', 'media.image.maxPixels'],
  ],
  embed: [
    ['null', 'options'],
    ['[]', 'options'],
    ['{ "dimension": 4 }', 'dimension'],
    ['{ "dimensions": "4" }', 'dimensions'],
    ['{ "topN": 1 }', 'topN'],
    ['{ "instruction": 5 }', 'instruction'],
    ['{ "signal": 5 }', 'signal'],
    ['{ "truncatePromptTokens": -5 }', 'truncatePromptTokens'],
    ['{ "truncationSide": "up" }', 'truncationSide'],
    ['{ "role": "x" }', 'role'],
    ['{ "promptName": "no such prompt" }', 'promptName'],
    ['{ "image": { "minPixels": -1 } }', 'image.minPixels'],
  ],
  rerank: [
    ['{ "topN": "1" }', 'topN'],
    ['{ "dimensions": 4 }', 'dimensions'],
    ['{ "useActivation": "no" }', 'useActivation'],
  ],
}

describe('options that TypeScript would refuse', () => {
  it.each(unfit.open)('Engine.open with %s', async (json, param) => {
    const work = (): Promise<unknown> => open('qwen3-embedding', untyped(json))
    expect(await failure(work)).toMatchObject({ code: 'USAGE', details: { param, do: expect.any(String) } })
  })

  it.each(unfit.embed)('embed with %s', async (json, param) => {
    const work = (): Promise<unknown> => embedder.embed('text', untyped(json))
    expect(await failure(work)).toMatchObject({ code: 'REQUEST_INVALID', details: { param } })
  })

  it.each(unfit.rerank)('rerank with %s', async (json, param) => {
    const work = (): Promise<unknown> => reranker.rerank('q', ['d'], untyped(json))
    expect(await failure(work)).toMatchObject({ code: 'REQUEST_INVALID', details: { param } })
  })

  it('an option that is undefined is absent', async () => {
    const { results } = await reranker.rerank('q', ['d'], { topN: undefined, instruction: undefined })
    expect(results).toHaveLength(1)
  })
})

describe('what cannot be done', () => {
  it.each(refusals)('$what is refused with $code', async ({ code, param, work }) => {
    const error = await failure(work)
    expect(error.code).toBe(code)
    expect(error.details.what).toBeTruthy()
    expect(error.details.do).toBeTruthy()
    if (param !== undefined) expect(error.details.param).toBe(param)
  })

  it('an aborted call throws the reason of its signal', async () => {
    const stop = new AbortController()
    const texts = Array.from({ length: 600 }, (_, index) => `text ${index}`)
    const work = embedder.embed(texts, { signal: stop.signal })
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(work).rejects.toBe(reason)
    await expect(reranker.rerank('q', ['d'], { signal: stop.signal })).rejects.toBe(reason)
    await expect(open('qwen3-embedding', { signal: stop.signal })).rejects.toBe(reason)
    expect((await embedder.embed('text')).vector).toHaveLength(embedder.model.dimensions)
  })

  it('a closed model answers what was asked before, and nothing after', async () => {
    const engine = await open('qwen3-embedding')
    const before = engine.embed('text')
    await Promise.all([engine.close(), engine.close()])
    expect((await before).vector).toHaveLength(engine.model.dimensions)
    expect((await failure(() => engine.embed('text'))).code).toBe('NOT_READY')
    expect((await failure(() => engine.score('q', ['d']))).code).toBe('NOT_READY')
    await engine.close()
  })
})

describe('Engine.open', () => {
  it('says what was opened', () => {
    expect(embedder.model).toMatchObject({ kind: 'embed', device: 'ort', architecture: 'Qwen3ForCausalLM' })
    expect(reranker.model.kind).toBe('score')
  })

  it('takes a template in place of the official format', async () => {
    const chatTemplate = '{% for message in messages %}{{ message.content }} / {% endfor %}'
    await using engine = await open('qwen3-reranker', { chatTemplate })
    const own = await engine.score('q', ['d'])
    const official = await reranker.score('q', ['d'])
    expect(own.usage.promptTokens).toBeLessThan(official.usage.promptTokens)
  })
})
