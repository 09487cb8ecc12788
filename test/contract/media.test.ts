// Images and videos over HTTP: the golden cases in every form that clients send, and requests of vLLM and SGLang as they stand.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasFfmpeg } from '../support/ffmpeg.js'
import { type FileServer, startFileServer } from '../support/file-server.js'
import { cosine, floats, goldenPath } from '../support/golden.js'
import { mediaCases, type VlGoldenCase } from '../support/vl-cases.js'
import { type ContractServer, startContractServer } from './support/server.js'
import { byMedium, dataUrl, imagePart, partsOf, type Transport, textPart } from './support/wire-media.js'

/** JPEG and 4:2:0 depend on the decoder (see the README of the golden data); everything else is lossless. */
const isLossy = ({ input }: VlGoldenCase): boolean => /\.jpg|yuv420/.test(JSON.stringify(input))
const casesOf = (name: string): VlGoldenCase[] =>
  mediaCases(name).filter(({ input }) => {
    return input.max_length === undefined && (hasFfmpeg || !/\.mp4/.test(JSON.stringify(input)))
  })

const transports: Transport[] = ['data', 'http', 'file']
const media = { localRoots: [goldenPath('media')], allowedNetworks: ['127.0.0.0/8'] }

let files: FileServer
beforeAll(async () => {
  files = await startFileServer(goldenPath('media'))
})
afterAll(() => files[Symbol.asyncDispose]())

async function post<Answer>(server: ContractServer, path: string, body: unknown): Promise<Answer> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${path}: ${response.status} ${text.slice(0, 500)}`)
  return JSON.parse(text)
}

interface Embedded {
  data: { embedding: number[] }[]
  usage: { prompt_tokens: number }
}
interface Ranked {
  results: {
    index: number
    relevance_score: number
    document?: { text: string | null; multi_modal: object[] | null }
  }[]
  usage: { prompt_tokens: number }
}

describe('the vectors of qwen3-vl-embedding', () => {
  let server: ContractServer
  beforeAll(async () => {
    server = await startContractServer('qwen3-vl-embedding', { engine: { media } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const cases = casesOf('qwen3-vl-embedding')
  const expectVector = ({ data, usage }: Embedded, example: VlGoldenCase, index = 0): void => {
    const minCosine = isLossy(example) ? 0.999 : 0.99999
    expect(cosine(data[index]!.embedding, floats(example.embedding!))).toBeGreaterThan(minCosine)
    if (data.length === 1) expect(usage.prompt_tokens).toBe(example.input_ids.length)
  }
  /** What is not content. */
  const options = ({ input }: VlGoldenCase) => {
    const { fps, max_frames } = input as { fps?: number; max_frames?: number }
    return fps === undefined ? {} : { mm_processor_kwargs: { fps, max_frames } }
  }
  const conversation = ({ input }: VlGoldenCase, transport: Transport) => [
    { role: 'system', content: [textPart(input.instruction ?? "Represent the user's input.")] },
    { role: 'user', content: partsOf(input, transport, files.url) },
    { role: 'assistant', content: [textPart('')] },
  ]

  it.each(transports.flatMap((transport) => cases.map((each) => [each.id, transport, each] as const)))(
    '%s by a conversation, %s',
    async (_id, transport, example) => {
      const messages = conversation(example, transport)
      const flags = { continue_final_message: true, add_special_tokens: true }
      expectVector(await post(server, '/v1/embeddings', { messages, ...flags, ...options(example) }), example)
    },
  )

  it.each(cases.map((each) => [each.id, each] as const))('%s as SGLang sends it', async (_id, example) => {
    const { instruction } = example.input
    const body = { input: [byMedium(example.input, 'http', files.url)], ...options(example) }
    expectVector(await post(server, '/v1/embeddings', { ...body, ...(instruction && { instruction }) }), example)
  })

  const plain = cases.filter(({ input }) => input.instruction === undefined && input.fps === undefined)

  it('several at once, in every form', async () => {
    const forms = [
      (each: VlGoldenCase) => byMedium(each.input, 'data', files.url),
      (each: VlGoldenCase) => ({ content: partsOf(each.input, 'data', files.url) }),
      (each: VlGoldenCase) => partsOf(each.input, 'file', files.url),
    ]
    const input = plain.map((each, index) => forms[index % forms.length]!(each))
    const answer = await post<Embedded>(server, '/v1/embeddings', { input })
    expect(answer.data).toHaveLength(plain.length)
    for (const [index, example] of plain.entries()) expectVector(answer, example, index)
    expect(answer.usage.prompt_tokens).toBe(plain.reduce((sum, { input_ids }) => sum + input_ids.length, 0))
  })

  it('conversations in a list', async () => {
    const messages = plain.slice(0, 3).map((each) => conversation(each, 'data'))
    const answer = await post<Embedded>(server, '/v1/embeddings', { messages, continue_final_message: true })
    for (const [index, example] of plain.slice(0, 3).entries()) expectVector(answer, example, index)
  })

  it("Cohere's images and inputs", async () => {
    const image = cases.find(({ id }) => id === 'image-rgba')!
    const both = cases.find(({ id }) => id === 'image+text')!
    const content = partsOf(both.input, 'data', files.url)
    for (const [body, example] of [
      [{ images: [dataUrl('rgba_80x112.png')] }, image],
      [{ inputs: [{ content }] }, both],
    ] as const) {
      const request = { model: 'tiny', embedding_types: ['float'], ...body }
      const answer = await post<{
        embeddings: { float: number[][] }
        meta: { billed_units: { input_tokens: number; image_tokens: number } }
      }>(server, '/v2/embed', request)
      const data = answer.embeddings.float.map((embedding) => ({ embedding }))
      expectVector({ data, usage: { prompt_tokens: example.input_ids.length } }, example)
      expect(answer.meta.billed_units).toEqual({ input_tokens: 0, image_tokens: example.input_ids.length })
    }
  })

  it('/pooling gives the same vector', async () => {
    const example = cases.find(({ id }) => id === 'image+text')!
    const body = { messages: conversation(example, 'data'), continue_final_message: true }
    const answer = await post<{ data: { data: number[] }[] }>(server, '/pooling', body)
    expect(cosine(answer.data[0]!.data, floats(example.embedding!))).toBeGreaterThan(0.99999)
  })

  it('an image beside a text for its placeholder stays in its place', async () => {
    const example = cases.find(({ id }) => id === 'image')!
    const literal = '<|vision_start|><|image_pad|><|vision_end|> <|im_end|>'
    const [{ embedding }, { embedding: reversed }] = (
      await post<Embedded>(server, '/v1/embeddings', {
        input: [
          [imagePart(dataUrl('rgb_48x48.png')), textPart(literal)],
          [textPart(literal), imagePart(dataUrl('rgb_48x48.png'))],
        ],
      })
    ).data as [Embedded['data'][0], Embedded['data'][0]]
    expect(cosine(embedding, reversed)).toBeGreaterThan(0.99999)
    expect(cosine(embedding, floats(example.embedding!))).toBeLessThan(0.9999)
    const { vector } = await server.engine.embed({ content: literal })
    const alone = await post<Embedded>(server, '/v1/embeddings', { input: literal })
    expect(cosine(alone.data[0]!.embedding, vector)).toBeGreaterThan(0.99999)
  })
})

describe('the scores of qwen3-vl-reranker', () => {
  let server: ContractServer
  beforeAll(async () => {
    server = await startContractServer('qwen3-vl-reranker', { engine: { media, prefixCacheBytes: 64 * 1024 ** 2 } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const cases = casesOf('qwen3-vl-reranker')
  const tolerance = (example: VlGoldenCase): number => (isLossy(example) ? 5e-3 : 1e-4)
  const instructionOf = ({ input }: VlGoldenCase) => (input.instruction ? { instruction: input.instruction } : {})

  it.each(transports.flatMap((transport) => cases.map((each) => [each.id, transport, each] as const)))(
    '%s by /v1/rerank, %s',
    async (_id, transport, example) => {
      const { query, document } = example.input
      const answer = await post<Ranked>(server, '/v1/rerank', {
        query: { content: partsOf(query!, transport, files.url) },
        documents: [{ content: partsOf(document!, transport, files.url) }],
        ...instructionOf(example),
      })
      expect(Math.abs(answer.results[0]!.relevance_score - example.score!)).toBeLessThan(tolerance(example))
      expect(answer.usage.prompt_tokens).toBe(example.input_ids.length)
    },
  )

  it.each(cases.map((each) => [each.id, each] as const))('%s by /score', async (_id, example) => {
    const { query, document } = example.input
    const answer = await post<{ data: { score: number }[] }>(server, '/score', {
      data_1: byMedium(query!, 'file', files.url),
      data_2: [partsOf(document!, 'http', files.url)],
      ...instructionOf(example),
    })
    expect(Math.abs(answer.data[0]!.score - example.score!)).toBeLessThan(tolerance(example))
  })

  it("vLLM's example: one document of several parts, echoed as it was sent", async () => {
    const example = cases.find(({ id }) => id === 'doc-image')!
    const content = [imagePart(dataUrl('rgba_80x112.png'))]
    const answer = await post<Ranked>(server, '/v1/rerank', {
      model: 'tiny',
      query: 'a colourful circle',
      documents: { content },
    })
    expect(answer.results).toHaveLength(1)
    expect(answer.results[0]!.document).toEqual({ text: null, multi_modal: content })
    expect(Math.abs(answer.results[0]!.relevance_score - example.score!)).toBeLessThan(1e-4)
  })

  it('strings and contents mixed, without an echo where none is wanted, and parts with a uuid', async () => {
    const answer = await post<Ranked>(server, '/rerank', {
      query: 'a colourful circle',
      documents: [
        'a circle',
        { content: [{ ...imagePart(dataUrl('rgba_80x112.png')), uuid: 'image-1' }] },
        { content: [textPart('stripes'), imagePart(dataUrl('palette_31x900.png'))] },
      ],
      return_documents: false,
      top_n: 2,
    })
    expect(answer.results).toHaveLength(2)
    for (const result of answer.results) expect(result).not.toHaveProperty('document')
  })

  it("SGLang's example: bare part lists, and its answer where it is asked for", async () => {
    const example = cases.find(({ id }) => id === 'two-images-doc')!
    const headers = { 'content-type': 'application/json', accept: 'application/vnd.sglang+json' }
    const body = {
      query: [textPart('both')],
      documents: [partsOf(example.input.document!, 'data', files.url), 'neither'],
      instruct: 'Given a search query, retrieve relevant candidates that answer the query.',
      return_documents: false,
    }
    const response = await fetch(`${server.url}/v1/rerank`, { method: 'POST', headers, body: JSON.stringify(body) })
    const answer = (await response.json()) as { score: number; index: number }[]
    const found = answer.find(({ index }) => index === 0)!
    expect(Math.abs(found.score - example.score!)).toBeLessThan(1e-4)
  })

  it('an image of the query is computed once for all documents, and not again', async () => {
    const query = [imagePart(dataUrl('rgb_640x427.webp'))]
    const documents = Array.from({ length: 20 }, (_, index) => `document ${index}`)
    const before = server.engine.visuals()
    await post(server, '/v1/rerank', { query, documents, return_documents: false })
    const [first, tokens] = [server.engine.visuals(), server.engine.counters.computedTokens]
    expect(first.queries - before.queries).toBe(1)
    await post(server, '/v1/rerank', { query, documents, return_documents: false })
    expect(server.engine.visuals().hits - first.hits).toBe(1)
    // What the query has in common with the first request was kept.
    expect(server.engine.counters.computedTokens - tokens).toBeLessThan(20 * 40)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    expect(metrics).toMatch(/^vllm:mm_cache_queries_total\{.*\} [1-9]/m)
    expect(metrics).toMatch(/^vllm:mm_cache_hits_total\{.*\} [1-9]/m)
  })

  it('max_pixels of a request makes its images smaller', async () => {
    const body = { query: 'gradient', documents: [[imagePart(dataUrl('rgb_640x427.webp'))]] }
    const tokensWith = async (more: object) =>
      (await post<Ranked>(server, '/rerank', { ...body, ...more })).usage.prompt_tokens
    const full = await tokensWith({})
    const size = { shortest_edge: 4096, longest_edge: 64 * 1024 }
    expect(full - (await tokensWith({ mm_processor_kwargs: { max_pixels: 64 * 1024 } }))).toBeGreaterThan(200)
    expect(full - (await tokensWith({ mm_processor_kwargs: { size } }))).toBeGreaterThan(200)
  })
})
