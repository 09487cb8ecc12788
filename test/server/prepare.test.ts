import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '#qvl/engine/engine.js'
import type { Engine, Preparer } from '#qvl/engine/requests.js'
import { QvlError } from '#qvl/errors.js'
import { defaultLimits } from '#qvl/server/limits.js'
import { finishDraft } from '#qvl/server/prepare/finish-draft.js'
import { openPreparation, type Preparation } from '#qvl/server/prepare/preparation.js'
import type { Prepared, PreparedRoute } from '#qvl/server/prepare/prepared.js'
import { PreparingThread } from '#qvl/server/prepare/preparing-thread.js'
import { readDraft } from '#qvl/server/prepare/read-draft.js'
import { ThreadPool } from '#qvl/server/prepare/thread-pool.js'
import { goldenPath } from '../support/golden.js'

const settings = { servedModelNames: ['tiny'], limits: defaultLimits, trustRequestChatTemplate: false }

const bytes = (value: unknown): Uint8Array => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const signal = new AbortController().signal
const warn = (): void => {}

const prepareBody = (route: PreparedRoute, body: Uint8Array, preparer: Preparer): Prepared =>
  finishDraft(readDraft(route, body, preparer, settings), preparer, { maxTokens: defaultLimits.maxQueuedTokens })

/** Larger than what is prepared at once. */
const longTexts = Array.from({ length: 40 }, (_, index) => `${index} ${'longer than it looks '.repeat(60)}`)

/** What a prepared request is, without the buffers it lies in. */
function plain(prepared: Prepared): unknown {
  const { tasks, ...rest } = prepared
  const texts = 'texts' in rest && rest.texts !== undefined ? [...rest.texts] : undefined
  const sequences = tasks.map((task) => ({
    ...task,
    sequences: task.sequences.map((sequence) => ({ ...sequence, ids: [...sequence.ids] })),
  }))
  return { ...rest, texts, tasks: sequences }
}

describe.each(['qwen3-embedding', 'qwen3-reranker'])('%s', (checkpoint) => {
  let engine: Engine
  let preparation: Preparation
  beforeAll(async () => {
    engine = await openEngine({ model: goldenPath(`checkpoints/${checkpoint}`), device: 'reference' })
    preparation = await openPreparation({ engine, settings, numThreads: 1, warn: () => {} })
  })
  afterAll(async () => {
    await preparation.close()
    await engine.close()
  })

  const forAll: [PreparedRoute, unknown][] = [
    ['rerank', { query: 'q', documents: longTexts, top_n: 3 }],
    ['rerank', { query: 'q', texts: longTexts, return_text: true }],
    ['sglangRerank', { query: 'q', documents: longTexts }],
    ['score', { text_1: longTexts, text_2: longTexts, priority: 3 }],
    ['tokenize', { prompt: longTexts.join(' '), return_token_strs: true }],
    ['detokenize', { tokens: Array.from({ length: 20_000 }, () => 5) }],
    ['invocations', { query: 'q', documents: longTexts }],
  ]
  const forEmbedding: [PreparedRoute, unknown][] = [
    ['embeddings', { input: longTexts, encoding_format: 'base64', dimensions: 8 }],
    ['embeddings', { input: longTexts.map(() => Array.from({ length: 500 }, (_, id) => id)) }],
    ['cohereEmbed', { texts: longTexts, input_type: 'search_query' }],
    ['teiEmbed', { inputs: longTexts }],
    ['pooling', { input: longTexts, task: 'token_embed' }],
  ]
  const forReranker: [PreparedRoute, unknown][] = [
    ['classify', { input: longTexts }],
    ['pooling', { input: longTexts }],
  ]
  const bodies = [...forAll, ...(checkpoint === 'qwen3-embedding' ? forEmbedding : forReranker)]

  it.each(bodies)('a thread makes the same of a body of %s as this one', async (route, body) => {
    const expected = plain(prepareBody(route, bytes(body), engine.preparer))
    const asked = preparation.prepare(route, bytes(body), { signal })
    expect(preparation.numWaiting).toBe(1)
    expect(plain(await asked)).toEqual(expected)
    expect(preparation.numWaiting).toBe(0)
  })

  it.each<[string, unknown, QvlError['code'], string | undefined]>([
    ['JSON', `[${'1,'.repeat(20_000)}`, 'REQUEST_SCHEMA', undefined],
    ['a field', { query: 'q', documents: [...longTexts, 5] }, 'REQUEST_SCHEMA', 'body.documents[40]'],
    ['a model', { query: 'q', documents: longTexts, model: 'x' }, 'MODEL_NOT_SERVED', undefined],
    ['a number of items', { query: 'q', documents: Array(9000).fill('ab') }, 'REQUEST_TOO_LARGE', 'body.documents'],
  ])('a thread refuses what is wrong with %s as this one does', async (_name, body, code, param) => {
    const refused = await preparation.prepare('rerank', bytes(body), { signal }).catch((error: unknown) => error)
    if (!(refused instanceof QvlError)) throw new Error('nothing was refused')
    expect([refused.code, refused.details.param]).toEqual([code, param])
    expect(() => prepareBody('rerank', bytes(body), engine.preparer)).toThrow(refused.message)
  })
})

describe('bodies', () => {
  let engine: Engine
  let preparation: Preparation
  beforeAll(async () => {
    engine = await openEngine({ model: goldenPath('checkpoints/qwen3-reranker'), device: 'reference' })
    preparation = await openPreparation({ engine, settings, numThreads: 1, warn: () => {} })
  })
  afterAll(async () => {
    await preparation.close()
    await engine.close()
  })

  const large = { query: 'q', documents: longTexts }

  it('that are small are prepared at once', async () => {
    const asked = preparation.prepare('rerank', bytes({ query: 'q', documents: ['d'] }), { signal })
    expect(preparation.numWaiting).toBe(0)
    expect((await asked).tasks).toHaveLength(1)
  })

  it('that are small and take much work go to a thread', async () => {
    const body = { query: 'one two three '.repeat(500), documents: Array.from({ length: 200 }, () => 'd') }
    const asked = preparation.prepare('rerank', bytes(body), { signal })
    expect(preparation.numWaiting).toBe(1)
    expect((await asked).tasks[0]!.sequences).toHaveLength(200)
  })

  it('that share memory with something else leave it alone', async () => {
    const whole = Buffer.concat([Buffer.from('before'), bytes(large), Buffer.from('after')])
    await preparation.prepare('rerank', whole.subarray(6, -5), { signal })
    expect(whole.subarray(0, 6).toString() + whole.subarray(-5).toString()).toBe('beforeafter')
  })

  it('that are not UTF-8 are refused', async () => {
    const body = Buffer.concat([Buffer.from('{"query": "'), Buffer.from([0xff]), Buffer.from('"}')])
    await expect(preparation.prepare('rerank', body, { signal })).rejects.toMatchObject({ code: 'REQUEST_SCHEMA' })
  })

  it('whose client has left are not prepared', async () => {
    const left = new AbortController()
    const reason = new QvlError('CANCELLED', { what: 'The client left.' })
    const first = preparation.prepare('rerank', bytes(large), { signal })
    const second = preparation.prepare('rerank', bytes(large), { signal: left.signal })
    expect(preparation.numWaiting).toBe(2)
    left.abort(reason)
    expect(preparation.numWaiting).toBe(1)
    await expect(second).rejects.toBe(reason)
    await expect(preparation.prepare('rerank', bytes(large), { signal: left.signal })).rejects.toBe(reason)
    await first
  })

  it('beyond the number that may wait are refused', async () => {
    const limits = { ...defaultLimits, maxQueuedRequests: 1 }
    await using small = await openPreparation({
      engine,
      settings: { ...settings, limits },
      numThreads: 1,
      warn: () => {},
    })
    const taken = small.prepare('rerank', bytes(large), { signal })
    await expect(small.prepare('rerank', bytes(large), { signal })).rejects.toMatchObject({ code: 'ENGINE_OVERLOADED' })
    await taken
    await small.prepare('rerank', bytes(large), { signal })
  })

  it.each<[string, PreparedRoute, unknown]>([
    ['a query before many documents', 'rerank', { query: 'one two '.repeat(200), documents: Array(40).fill('d') }],
    ['such a query in a large body', 'rerank', { query: 'one two '.repeat(200), documents: longTexts }],
    ['pairs', 'score', { text_1: longTexts, text_2: longTexts }],
    ['finished prompts', 'classify', { input: longTexts }],
  ])('with more tokens than any queue takes are given up early: %s', async (_name, route, body) => {
    const limits = { ...defaultLimits, maxQueuedTokens: 1000 }
    await using small = await openPreparation({ engine, settings: { ...settings, limits }, numThreads: 1, warn })
    await expect(small.prepare(route, bytes(body), { signal })).rejects.toMatchObject({
      code: 'REQUEST_TOO_LARGE',
      details: { what: 'This request has more than 1000 tokens.' },
    })
  })

  it('with a long query are given up before all documents have their prompts', () => {
    const request = { query: 'one two '.repeat(200), documents: Array(40).fill('d') }
    const made: number[] = []
    const onPrompt = (numTokens: number): void => {
      made.push(numTokens)
      if (made.length === 2) throw new Error('enough')
    }
    expect(() => engine.preparer.score(request, { onPrompt })).toThrow('enough')
    expect(made).toHaveLength(2)
  })

  it('are prepared in several threads at a time', async () => {
    await using two = await openPreparation({ engine, settings, numThreads: 2, warn: () => {} })
    const asked = Array.from({ length: 6 }, () => two.prepare('rerank', bytes(large), { signal }))
    const all = await Promise.all(asked)
    expect(all.map((each) => each.tasks[0]!.sequences.length)).toEqual([40, 40, 40, 40, 40, 40])
  })

  it('in a preparation that closes are refused', async () => {
    const closing = await openPreparation({ engine, settings, numThreads: 1, warn: () => {} })
    const asked = [1, 2].map(() => closing.prepare('rerank', bytes(large), { signal }))
    const refused = Promise.allSettled(asked)
    await closing.close()
    await closing.close()
    const codes = (await refused).map((each) => (each.status === 'rejected' ? each.reason.code : 'prepared'))
    expect(codes).toEqual(['NOT_READY', 'NOT_READY'])
    await expect(closing.prepare('rerank', bytes(large), { signal })).rejects.toMatchObject({ code: 'NOT_READY' })
  })
})

describe('images', () => {
  let engine: Engine
  let preparation: Preparation
  beforeAll(async () => {
    engine = await openEngine({ model: goldenPath('checkpoints/qwen3-vl-reranker'), device: 'reference' })
    preparation = await openPreparation({ engine, settings, numThreads: 1, warn: () => {} })
  })
  afterAll(async () => {
    await preparation.close()
    await engine.close()
  })

  const dataUrl = (file: string) =>
    `data:image/png;base64,${readFileSync(goldenPath(`media/${file}`)).toString('base64')}`
  const imagePart = (url: string) => ({ type: 'image_url', image_url: { url } })
  const small = { query: 'q', documents: [[imagePart(dataUrl('rgb_48x48.png'))], 'd'] }
  /** A file goes on after its end. */
  const padded = (file: string) =>
    `data:image/png;base64,${Buffer.concat([readFileSync(goldenPath(`media/${file}`)), Buffer.alloc(60_000)]).toString('base64')}`
  const large = { query: [imagePart(padded('rgb_48x48.png'))], documents: ['d', [imagePart(padded('rgb_48x48.png'))]] }

  it.each([
    ['are loaded without a thread where the body is small', small, 1, 0],
    ['in a large body are decoded in a thread, each once', large, 1, 1],
    [
      'in many prompts are placed in a thread',
      { ...small, query: small.documents[0], documents: Array(300).fill('d') },
      1,
      0,
    ],
  ])('%s', async (_name, body, numImages, numWaiting) => {
    const asked = preparation.prepare('rerank', bytes(body), { signal })
    expect(preparation.numWaiting).toBe(numWaiting)
    const { tasks, loaded, texts } = await asked
    expect(loaded?.byKey.size).toBe(numImages)
    // They came with the body, whose memory is counted already.
    expect(loaded?.numBytes).toBe(0)
    expect([...texts!].map((text) => JSON.parse(text).multi_modal ?? JSON.parse(text).text)).toEqual(body.documents)
    const [task] = tasks
    expect(task!.sequences).toHaveLength(body.documents.length)
    for (const { visuals } of task!.sequences)
      for (const { facts } of visuals ?? []) expect(loaded!.byKey.has(facts.key)).toBe(true)
  })

  it('of a client that has left are dropped', async () => {
    const left = new AbortController()
    const reason = new QvlError('CANCELLED', { what: 'The client left.' })
    const asked = preparation.prepare('rerank', bytes(small), { signal: left.signal })
    left.abort(reason)
    await expect(asked).rejects.toBe(reason)
  })

  it('that are wrong name their document, in a thread as here', async () => {
    for (const padding of ['', ' '.repeat(40_000)]) {
      const body = JSON.stringify({ query: 'q', documents: ['d', [imagePart('data:image/png,x')]] }) + padding
      await expect(preparation.prepare('rerank', bytes(body), { signal })).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
        details: { param: 'body.documents[1]' },
      })
    }
  })
})

describe('a thread', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await openEngine({ model: goldenPath('checkpoints/qwen3-reranker'), device: 'reference' })
  })
  afterAll(() => engine.close())

  /** Seconds of work: the query is tokenised with each document. */
  const endless = { query: 'longer than it looks '.repeat(1000), documents: Array.from({ length: 2048 }, () => 'd') }
  const question = (value: unknown) => ({
    kind: 'read' as const,
    route: 'rerank' as const,
    body: new Uint8Array(bytes(value)),
  })

  it('that cannot open the checkpoint fails the start', async () => {
    const preparerOptions = { ...engine.preparerOptions, dir: goldenPath('checkpoints/none') }
    const broken = { preparer: engine.preparer, preparerOptions, loadVisuals: engine.loadVisuals }
    const opened = openPreparation({ engine: broken, settings, numThreads: 1, warn: () => {} })
    await expect(opened).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  })

  it('that ends refuses what it was asked', async () => {
    const thread = new PreparingThread({ preparer: engine.preparerOptions, settings }, () => {})
    await thread.ready
    const asked = expect(thread.ask(question(endless))).rejects.toMatchObject({ code: 'INTERNAL' })
    await thread.close()
    await asked
    expect(thread.hasEnded).toBe(true)
  })

  it('whose client has left is ended when it does not stop, and another takes its place', async () => {
    const warnings: string[] = []
    const pool = new ThreadPool({
      numThreads: 1,
      maxWaiting: 10,
      maxAbandonedMs: 1,
      start: { preparer: engine.preparerOptions, settings },
      warn: (message) => warnings.push(message),
    })
    await pool.open()
    const left = new AbortController()
    const reason = new QvlError('CANCELLED', { what: 'The client left.' })
    const abandoned = pool.run(question(endless), left.signal)
    const next = pool.run(question({ query: 'q', documents: ['d'] }), signal)
    // The first has been posted to the thread once this one waits alone.
    await new Promise((resolve) => setImmediate(resolve))
    left.abort(reason)
    await expect(abandoned).rejects.toBe(reason)
    expect((await next).kind).toBe('prepared')
    expect(warnings).toEqual(['A thread that prepares large requests ended; another one is started.'])
    await pool.close()
  })
})
