import { describe, expect, it } from 'vitest'
import { embedLines, scoreLines } from './run-lines.js'
import { tinyEngine } from './tiny-engine.js'

const hex = '[0-9a-f]{16}'
const request = (url: string, body: unknown, more: object = {}): string =>
  JSON.stringify({ custom_id: 'c1', method: 'POST', url, body, ...more })
const pair = { query: 'q', documents: ['0.25', '0.75'] }

describe('batch lines', () => {
  it.each([
    ['/v1/embeddings', { input: ['a', 'b'], dimensions: 2 }, 'embd', 'list', 2],
    ['/v1/score', { text_1: 'q', text_2: ['0.25', '0.75'] }, 'score', 'list', 2],
    ['/score', { queries: ['q', 'r'], documents: ['0.25', '0.75'] }, 'score', 'list', 2],
    ['/v1/rerank', pair, 'score', undefined, 2],
    ['/rerank', { ...pair, top_n: 1 }, 'score', undefined, 1],
    ['/v2/rerank', { ...pair, return_documents: false }, 'score', undefined, 2],
  ])('%s', async (url, body, prefix, object, count) => {
    for (const run of [embedLines, scoreLines]) {
      const { lines, summary } = await run(request(url, body), { engine: tinyEngine() })
      const [line] = lines
      expect(line).toMatchObject({
        id: expect.stringMatching(`^vllm-${hex}$`),
        custom_id: 'c1',
        response: {
          status_code: 200,
          request_id: expect.stringMatching(`^vllm-batch-${hex}$`),
          body: { id: expect.stringMatching(`^${prefix}-${hex}$`), model: 'tiny' },
        },
        error: null,
      })
      expect(Object.keys(line!)).toEqual(['id', 'custom_id', 'response', 'error'])
      const { body: answer } = line!.response as { body: Record<string, unknown> }
      expect(answer.object).toBe(object)
      expect(answer.data ?? answer.results).toHaveLength(count)
      expect(summary).toMatchObject({ lines: 1, failed: 0 })
    }
  })

  it('gives the scores of the documents in input order, and a ranking best first', async () => {
    const { lines } = await scoreLines(
      `${request('/score', { text_1: 'q', text_2: ['0.25', '0.75'] })}\n${request('/rerank', pair)}`,
    )
    expect(lines[0]).toMatchObject({ response: { body: { data: [{ score: 0.25 }, { score: 0.75 }] } } })
    expect(lines[1]).toMatchObject({
      response: {
        body: {
          results: [
            { index: 1, relevance_score: 0.75 },
            { index: 0, relevance_score: 0.25 },
          ],
        },
      },
    })
  })

  it('writes the same bytes twice, and other ids for other lines', async () => {
    const input = [1, 2].map(() => request('/v1/embeddings', { input: 'a' })).join('\n')
    const [first, second] = [await embedLines(input), await embedLines(input)]
    expect(second.text).toBe(first.text)
    expect(first.lines[0]!.id).not.toBe(first.lines[1]!.id)
  })

  it.each([
    [
      '/v1/chat/completions',
      { input: 'a' },
      400,
      expect.stringMatching(/^URL .* was used. Supported endpoints: \/v1\/emb/),
    ],
    ['/v1/embeddings', {}, 400, { error: expect.objectContaining({ type: 'Bad Request', param: 'body.input' }) }],
    ['/v1/embeddings', undefined, 400, { error: expect.objectContaining({ param: 'body', code: 400 }) }],
    [
      '/rerank',
      { query: 'q', documents: ['a', 3] },
      400,
      { error: expect.objectContaining({ param: 'body.documents[1]' }) },
    ],
    ['/v1/embeddings', { input: ['a', 'not finite'] }, 500, { error: expect.objectContaining({ code: 500 }) }],
  ])('fails at %s with %j', async (url, body, status, error) => {
    const { lines, summary } = await embedLines(`"before"\n${request(url, body)}\n"after"`)
    expect(lines[1]).toEqual({
      id: expect.stringMatching(`^vllm-${hex}$`),
      custom_id: 'c1',
      response: { status_code: status, request_id: expect.stringMatching(`^vllm-batch-${hex}$`), body: null },
      error,
    })
    expect(summary).toMatchObject({ lines: 3, failed: 1 })
  })

  it.each([
    ['custom_id', request('/rerank', pair, { custom_id: 5 })],
    ['custom_id', JSON.stringify({ url: '/rerank', body: pair })],
    ['method', request('/rerank', pair, { method: 'GET' })],
  ])('refuses a wrong %s: %s', async (param, line) => {
    const { lines } = await scoreLines(line)
    expect(lines[0]).toMatchObject({ response: { status_code: 400 }, error: { error: { param } } })
  })

  it('does not embed with a reranker', async () => {
    const { lines } = await scoreLines(request('/v1/embeddings', { input: 'a' }))
    expect(lines[0]).toMatchObject({ error: 'Model does not support endpoint: /v1/embeddings' })
  })
})
