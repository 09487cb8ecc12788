import OpenAI, { APIUserAbortError, BadRequestError, NotFoundError } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EmbedCase, floats, maxDifference, textCases } from '../support/golden.js'
import { type ServerProcess, startServer } from '../support/server.js'

/** Against the golden vectors, which are float32. */
const tolerance = 2e-5
const cases = textCases<EmbedCase>('qwen3-embedding')
/** Without the one whose special tokens the reference takes for such; here they are text. */
const documents = cases.filter(({ id, input }) => input.role === 'document' && !['truncated', 'special'].includes(id))

const model = 'Qwen/Qwen3-Embedding-0.6B'

let server: ServerProcess
let client: OpenAI
beforeAll(async () => {
  server = await startServer('qwen3-embedding', { args: ['--served-model-name', model] })
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => server?.stop())

const textOf = ({ input }: EmbedCase): string => String(input.text)

function expectGolden(data: readonly { embedding: number[]; index: number }[], examples: readonly EmbedCase[]): void {
  expect(data.map(({ index }) => index)).toEqual(examples.map((_, index) => index))
  for (const [index, { id, embedding }] of examples.entries()) {
    expect(maxDifference(data[index]!.embedding, floats(embedding)), id).toBeLessThan(tolerance)
  }
}

describe('embeddings', () => {
  it('in the default encoding of the client, which is base64', async () => {
    const { data, usage, ...rest } = await client.embeddings.create({
      model,
      input: documents.map(textOf),
    })
    expectGolden(data, documents)
    const tokens = documents.reduce((sum, { input_ids }) => sum + input_ids.length, 0)
    expect(rest).toMatchObject({ model, object: 'list' })
    expect(usage).toMatchObject({ prompt_tokens: tokens, total_tokens: tokens })
  })

  it('as floats', async () => {
    const { data } = await client.embeddings.create({
      model,
      input: documents.map(textOf),
      encoding_format: 'float',
    })
    expectGolden(data, documents)
  })

  it('of one string', async () => {
    const [example] = documents
    const { data } = await client.embeddings.create({ model, input: textOf(example!) })
    expectGolden(data, [example!])
  })

  it('of token ids, which the client sends as they are', async () => {
    const { data } = await client.embeddings.create({
      model,
      input: documents.map(({ input_ids }) => input_ids),
    })
    expectGolden(data, documents)
  })

  it('with fewer dimensions', async () => {
    const dimensions = 32
    const { data } = await client.embeddings.create({ model, input: documents.map(textOf), dimensions })
    for (const [index, { id, embedding }] of documents.entries()) {
      const whole = floats(embedding).subarray(0, dimensions)
      const norm = Math.hypot(...whole)
      const expected = whole.map((value) => value / norm)
      expect(maxDifference(data[index]!.embedding, expected), id).toBeLessThan(tolerance)
    }
  })

  it('of 64 requests at once, each with its own vectors', async () => {
    const asked = Array.from({ length: 64 }, (_, index) => documents[index % documents.length]!)
    const answers = await Promise.all(
      asked.map((example) => client.embeddings.create({ model, input: textOf(example) })),
    )
    for (const [index, { data }] of answers.entries()) expectGolden(data, [asked[index]!])
  })
})

describe('what else the client does', () => {
  it('lists the models', async () => {
    const { data } = await client.models.list()
    expect(data).toMatchObject([{ id: model, object: 'model', owned_by: 'vllm' }])
  })

  it('tells an unknown model by its class of error', async () => {
    const error = await client.embeddings.create({ model: 'gpt-4', input: 'a' }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(NotFoundError)
    expect(error).toMatchObject({ status: 404, type: 'NotFoundError' })
    expect(String(error)).toContain('The model `gpt-4` does not exist.')
  })

  it('tells a wrong request, with the field', async () => {
    const wrong = client.embeddings.create({ model, input: 'a', dimensions: 1_000_000 })
    const error = await wrong.catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(BadRequestError)
    expect(error).toMatchObject({ status: 400, param: 'dimensions' })
  })

  it('takes a request back', async () => {
    const controller = new AbortController()
    const asked = client.embeddings.create({ model, input: documents.map(textOf) }, { signal: controller.signal })
    controller.abort()
    await expect(asked).rejects.toBeInstanceOf(APIUserAbortError)
    const { data } = await client.embeddings.create({ model, input: 'hello world' })
    expect(data).toHaveLength(1)
  })

  it('reads the raw answer with its id', async () => {
    const { response } = await client.embeddings
      .create({ model, input: 'hello world' }, { headers: { 'X-Request-Id': 'from-the-client' } })
      .withResponse()
    expect(response.headers.get('content-type')).toContain('application/json')
    expect(response.headers.get('server-timing')).toMatch(/run/)
  })
})
