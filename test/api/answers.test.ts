import { describe, expect, it } from 'vitest'
import { derivedId, randomId } from '#qvl/api/answer.js'
import { renderError } from '#qvl/api/errors.js'
import { renderEmbeddings } from '#qvl/api/openai-embeddings.js'
import { parseRerank, rank, renderRerank } from '#qvl/api/rerank.js'
import { renderScores } from '#qvl/api/score.js'
import { QvlError } from '#qvl/errors.js'

const head = { id: '0123456789abcdef', created: 7, model: 'm' }
const usage = { promptTokens: 5, cachedTokens: 2 }
const vllmUsage = '{"prompt_tokens":10,"total_tokens":10,"completion_tokens":0,"prompt_tokens_details":null}'

const embedding = { vector: new Float32Array([0.1, -1]), usage, explanation: { prompt: '', ids: [] } }
const scores = (...values: number[]) => ({ scores: values, usage, explanations: [] })

describe('answers, in the key order of vLLM', () => {
  it.each([
    ['float', '[0.1,-1]'],
    ['base64', '"zczMPQAAgL8="'],
  ] as const)('embeddings as %s', (encoding, vector) => {
    expect(JSON.stringify(renderEmbeddings(head, encoding, [embedding, embedding]))).toBe(
      `{"id":"embd-0123456789abcdef","object":"list","created":7,"model":"m","data":[` +
        `{"index":0,"object":"embedding","embedding":${vector}},` +
        `{"index":1,"object":"embedding","embedding":${vector}}],"usage":${vllmUsage}}`,
    )
  })

  it('scores', () => {
    expect(JSON.stringify(renderScores(head, [scores(0.25), scores(0.75, 0.5)]))).toBe(
      `{"id":"score-0123456789abcdef","object":"list","created":7,"model":"m","data":[` +
        `{"index":0,"object":"score","score":0.25},{"index":1,"object":"score","score":0.75},` +
        `{"index":2,"object":"score","score":0.5}],"usage":${vllmUsage}}`,
    )
  })

  it.each([
    [
      {},
      [
        '{"index":1,"document":{"text":"b","multi_modal":null},"relevance_score":0.75}',
        '{"index":0,"document":{"text":null,"multi_modal":[{"type":"text","text":"a"},' +
          '{"type":"image_url","image_url":{"url":"u"}}]},"relevance_score":0.25}',
      ],
    ],
    [{ top_n: 1 }, ['{"index":1,"document":{"text":"b","multi_modal":null},"relevance_score":0.75}']],
    [{ return_documents: false, top_n: 1 }, ['{"index":1,"relevance_score":0.75}']],
  ])('rerank with %j', (fields, results) => {
    const image = { type: 'image_url', image_url: { url: 'u', detail: 'low' } }
    const documents = [{ content: [{ type: 'text', text: 'a' }, image] }, 'b']
    const body = parseRerank({ query: 'q', documents, ...fields }, '')
    expect(JSON.stringify(renderRerank(head, body, scores(0.25, 0.75)))).toBe(
      `{"id":"score-0123456789abcdef","model":"m","usage":{"prompt_tokens":5,"total_tokens":5},"results":[${results}]}`,
    )
  })
})

describe('rank', () => {
  it.each([
    ['descending', [0.1, 0.9, 0.5], undefined, [1, 2, 0]],
    ['equal scores in input order', [0.5, 0.9, 0.5, 0.9, 0.5], undefined, [1, 3, 0, 2, 4]],
    ['cut', [0.5, 0.9, 0.5], 2, [1, 0]],
    ['more asked than there are', [0.5], 9, [0]],
    ['logits', [-3, 4, -8], undefined, [1, 0, 2]],
  ])('%s', (_name, values, topN, expected) => {
    expect(rank(values, topN).map(({ index }) => index)).toEqual(expected)
  })
})

describe('errors', () => {
  it.each([
    ['REQUEST_INVALID', 400, 'BadRequestError'],
    ['MODEL_NOT_FOUND', 404, 'NotFoundError'],
    ['DEVICE_FAILED', 500, 'InternalServerError'],
  ] as const)('%s', (code, status, type) => {
    const cause = new Error('/secret/path')
    expect(renderError(new QvlError(code, { what: 'A.', why: 'B.', do: 'C.', param: 'p', cause }))).toEqual({
      error: { message: 'A. B. C.', type, param: 'p', code: status },
    })
    expect(renderError(new QvlError(code, { what: 'A.' })).error).toMatchObject({ message: 'A.', param: null })
  })
})

describe('ids', () => {
  it('are 16 hexadecimal digits', () => {
    expect(randomId()).toMatch(/^[0-9a-f]{16}$/)
    expect(randomId()).not.toBe(randomId())
    expect(derivedId('a')).toMatch(/^[0-9a-f]{16}$/)
    expect(derivedId('a')).toBe(derivedId('a'))
    expect(derivedId('a')).not.toBe(derivedId('b'))
  })
})
