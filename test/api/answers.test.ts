import { describe, expect, it } from 'vitest'
import { derivedId, randomId } from '#qvl/api/answer.js'
import { renderClassify } from '#qvl/api/classify.js'
import { renderCohereEmbed } from '#qvl/api/cohere-embed.js'
import { JsonPieces } from '#qvl/api/json-pieces.js'
import { renderModels } from '#qvl/api/models.js'
import { renderEmbeddings } from '#qvl/api/openai-embeddings.js'
import { renderPooling, renderPoolingBytes } from '#qvl/api/pooling.js'
import { parseRerank, rank, renderRerank } from '#qvl/api/rerank.js'
import { renderScores } from '#qvl/api/score.js'
import { renderTeiEmbed } from '#qvl/api/tei-embed.js'
import { renderDetokenize, renderTokenize } from '#qvl/api/tokenize.js'
import { renderVectorBytes } from '#qvl/api/vector-bytes.js'
import { expectRefusal, invalid } from './expect-refusal.js'

const head = { id: '0123456789abcdef', created: 7, model: 'm' }
const usage = { promptTokens: 5, cachedTokens: 2 }
const timing = { queueMs: 0, runMs: 0 }
const vllmUsage = '{"prompt_tokens":10,"total_tokens":10,"completion_tokens":0,"prompt_tokens_details":null}'

const float = { encoding: 'float' } as const
const base64 = { encoding: 'base64', dtype: 'float32', endianness: 'little' } as const
const vectorOf = (...values: number[]) => ({ vector: Float32Array.from(values), usage, timing })
const scores = (...values: number[]) => ({ scores: values, usage, timing })
const list = (prefix: string, data: string, tokens = vllmUsage) =>
  `{"id":"${prefix}-0123456789abcdef","object":"list","created":7,"model":"m","data":[${data}],"usage":${tokens}}`

/** In pieces, as one text and inside of other JSON: the same. */
function expectText(pieces: JsonPieces, expected: string): void {
  expect([...pieces].join('')).toBe(expected)
  expect(String(pieces)).toBe(expected)
  expect(JSON.stringify({ body: pieces })).toBe(`{"body":${expected}}`)
}

describe('answers, in the key order of vLLM', () => {
  it.each([
    [float, '[0.1,-1]'],
    [base64, '"zczMPQAAgL8="'],
    [{ ...base64, dtype: 'float16', endianness: 'big' } as const, '"Lma8AA=="'],
  ])('embeddings as %j', (format, vector) => {
    expectText(
      renderEmbeddings(head, format, [vectorOf(0.1, -1), vectorOf(0.1, -1)]),
      list(
        'embd',
        `{"index":0,"object":"embedding","embedding":${vector}},{"index":1,"object":"embedding","embedding":${vector}}`,
      ),
    )
  })

  it.each([
    [{ promptTokensDetails: true }, usage, '{"cached_tokens":2}'],
    [{ promptTokensDetails: true }, { ...usage, cachedTokens: 0 }, 'null'],
    [{ promptTokensDetails: false }, usage, 'null'],
  ])('usage with %j', (more, used, details) => {
    const answer = String(renderEmbeddings({ ...head, ...more }, float, [{ vector: Float32Array.of(1), usage: used }]))
    expect(answer).toContain(`"completion_tokens":0,"prompt_tokens_details":${details}}`)
  })

  it('scores', () => {
    expectText(
      renderScores(head, [scores(0.25), scores(0.75, 0.5)]),
      list(
        'score',
        '{"index":0,"object":"score","score":0.25},{"index":1,"object":"score","score":0.75},' +
          '{"index":2,"object":"score","score":0.5}',
      ),
    )
  })

  it('classify', () => {
    const probs = (...values: number[]) => ({ probs: Float32Array.from(values), usage })
    expectText(
      renderClassify(head, ['no', null, 'yes "y"'], [probs(0.1, 0.2, 0.7), probs(0.1, 0.9, 0)]),
      list(
        'classify',
        '{"index":0,"label":"yes \\"y\\"","probs":[0.1,0.2,0.7],"num_classes":3},' +
          '{"index":1,"label":null,"probs":[0.1,0.9,0],"num_classes":3}',
      ),
    )
    expect(String(renderClassify(head, [], [probs(0.5)]))).toContain('"label":null,"probs":[0.5],"num_classes":1')
  })

  it.each([
    [float, '[1,2]', '[[1,2],[3,4],[5,6]]', '[0.5]'],
    [base64, '"AACAPwAAAEA="', '"AACAPwAAAEAAAEBAAACAQAAAoEAAAMBA"', '"AAAAPw=="'],
  ])('pooling as %j', (format, vector, matrix, probs) => {
    const tokens = { data: Float32Array.of(1, 2, 3, 4, 5, 6), rows: 3, width: 2, usage, timing }
    const results = [vectorOf(1, 2), tokens, { probs: Float32Array.of(0.5), usage, timing }]
    const data = [vector, matrix, probs].map((each, index) => `{"index":${index},"object":"pooling","data":${each}}`)
    const tokensUsed = '{"prompt_tokens":15,"total_tokens":15,"completion_tokens":0,"prompt_tokens_details":null}'
    expectText(renderPooling(head, format, results), list('pooling', data.join(','), tokensUsed))
  })

  it.each([
    [['a', 'b'], '["a","b"]'],
    [undefined, 'null'],
    [[], '[]'],
  ])('tokenize with %j', (tokens, texts) => {
    const ids = tokens === undefined ? [7, 0] : tokens.map((_, index) => index)
    expectText(
      renderTokenize(99, ids, tokens),
      `{"count":${ids.length},"max_model_len":99,"tokens":${JSON.stringify(ids)},"token_strs":${texts}}`,
    )
  })

  it('tokenize of many', () => {
    const ids = Array.from({ length: 100_000 }, (_, index) => index)
    const answer = renderTokenize(9, ids, ids.map(String))
    expect(JSON.parse(String(answer))).toEqual({
      count: ids.length,
      max_model_len: 9,
      tokens: ids,
      token_strs: ids.map(String),
    })
  })

  it('detokenize', () => {
    expectText(renderDetokenize('a "b"\n'), '{"prompt":"a \\"b\\"\\n"}')
  })

  it('models', () => {
    const permission =
      '{"id":"modelperm-p","object":"model_permission","created":7,"allow_create_engine":false,"allow_sampling":true,' +
      '"allow_logprobs":true,"allow_search_indices":false,"allow_view":true,"allow_fine_tuning":false,' +
      '"organization":"*","group":null,"is_blocking":false}'
    const card = (id: string) =>
      `{"id":"${id}","object":"model","created":7,"owned_by":"vllm","root":"r","parent":null,"max_model_len":9,` +
      `"permission":[${permission}]}`
    expect(renderModels({ names: ['m', 'n'], created: 7, root: 'r', maxModelLen: 9, permissionId: 'p' })).toBe(
      `{"object":"list","data":[${card('m')},${card('n')}]}`,
    )
  })
})

describe('rerank answers', () => {
  const meta = '{"api_version":{"version":"2"},"billed_units":{"search_units":1}}'
  const b = '{"index":1,"document":{"text":"b","multi_modal":null},"relevance_score":0.75}'
  const a =
    '{"index":0,"document":{"text":null,"multi_modal":[{"type":"text","text":"a"},' +
    '{"type":"image_url","image_url":{"url":"u"}}]},"relevance_score":0.25}'

  it.each([
    [{}, [b, a]],
    [{ top_n: 1 }, [b]],
    [{ return_documents: false, top_n: 1 }, ['{"index":1,"relevance_score":0.75}']],
  ])('of vLLM and Cohere with %j', (fields, results) => {
    const image = { type: 'image_url', image_url: { url: 'u', detail: 'low' } }
    const documents = [{ content: [{ type: 'text', text: 'a' }, image] }, 'b']
    expectText(
      renderRerank(head, parseRerank({ query: 'q', documents, ...fields }, ''), scores(0.25, 0.75)),
      `{"id":"score-0123456789abcdef","model":"m","usage":{"prompt_tokens":5,"total_tokens":5},` +
        `"results":[${results}],"meta":${meta}}`,
    )
  })

  it.each([
    [
      {},
      '[{"score":0.75,"document":"b","index":1,"meta_info":null},{"score":0.25,"document":"a","index":0,"meta_info":null}]',
    ],
    [{ top_n: 1, return_documents: false }, '[{"score":0.75,"index":1,"meta_info":null}]'],
  ])('of SGLang with %j', (fields, expected) => {
    const body = parseRerank({ query: 'q', documents: ['a', 'b'], ...fields }, '', { style: 'sglang' })
    expectText(renderRerank(head, body, scores(0.25, 0.75)), expected)
  })

  it.each([
    [{}, '[{"index":1,"score":0.75},{"index":0,"score":0.25}]'],
    [{ return_text: true }, '[{"index":1,"text":"b","score":0.75},{"index":0,"text":"a","score":0.25}]'],
  ])('of Text Embeddings Inference with %j', (fields, expected) => {
    const body = parseRerank({ query: 'q', texts: ['a', 'b'], ...fields }, '')
    expectText(renderRerank(head, body, scores(0.25, 0.75)), expected)
  })

  it.each([
    ['descending', [0.1, 0.9, 0.5], undefined, [1, 2, 0]],
    ['equal scores in input order', [0.5, 0.9, 0.5, 0.9, 0.5], undefined, [1, 3, 0, 2, 4]],
    ['cut', [0.5, 0.9, 0.5], 2, [1, 0]],
    ['more asked than there are', [0.5], 9, [0]],
    ['logits', [-3, 4, -8], undefined, [1, 0, 2]],
  ])('rank %s', (_name, values, topN, expected) => {
    expect(rank(values, topN).map(({ index }) => index)).toEqual(expected)
  })
})

describe('embedding answers of others', () => {
  const shape = { types: ['float'], texts: undefined, hasImages: false, maxTokens: undefined } as const
  const vectors = [vectorOf(1, -1, 0, 0.5, -0.5, 1, 1, -1), vectorOf(-1, -1, -1, -1, -1, -1, -1, 1)]
  const meta = (input: number, image: number) =>
    `"meta":{"api_version":{"version":"2"},"billed_units":{"input_tokens":${input},"image_tokens":${image}}}`

  it.each([
    ['float', '[1,-1,0,0.5,-0.5,1,1,-1],[-1,-1,-1,-1,-1,-1,-1,1]'],
    // 10110110 and 00000001
    ['ubinary', '[182],[1]'],
    ['binary', '[54],[-127]'],
    [
      'base64',
      `"${Buffer.from(vectors[0]!.vector.buffer).toString('base64')}","${Buffer.from(vectors[1]!.vector.buffer).toString('base64')}"`,
    ],
  ] as const)('Cohere %s', (type, embeddings) => {
    expectText(
      renderCohereEmbed(head, { ...shape, types: [type] }, vectors),
      `{"id":"embd-0123456789abcdef","embeddings":{"${type}":[${embeddings}]},${meta(10, 0)},"response_type":"embeddings_by_type"}`,
    )
  })

  it('Cohere with texts, several types and images', () => {
    const answer = renderCohereEmbed(head, { ...shape, types: ['float', 'ubinary'], texts: ['"a"', '""'] }, vectors)
    expect(String(answer)).toContain('],"ubinary":[[182],[1]]},"texts":["a",""],"meta"')
    expect(String(renderCohereEmbed(head, { ...shape, hasImages: true }, vectors))).toContain(meta(0, 10))
  })

  it('Cohere refuses bits that do not fill bytes', () => {
    const render = () => renderCohereEmbed(head, { ...shape, types: ['binary'] }, [vectorOf(1, 2)])
    expectRefusal(render, invalid, 'body.output_dimension', 'multiple of 8')
  })

  it('Text Embeddings Inference', () => {
    expectText(renderTeiEmbed([vectorOf(0.1, -1), vectorOf(2)]), '[[0.1,-1],[2]]')
    expectText(renderTeiEmbed([]), '[]')
  })
})

describe('bytes', () => {
  const format = { encoding: 'bytes', dtype: 'float16', endianness: 'big' } as const
  const results = [
    { data: Float32Array.of(1, -2), shape: [2], usage },
    { data: Float32Array.of(0.5), shape: [1], usage },
  ]

  it('are the vectors back to back, with a header', () => {
    const { metadata, pieces } = renderVectorBytes('embd', { ...head, model: 'é\u{1F600}' }, format, results)
    expect(Buffer.concat([...pieces]).toString('hex')).toBe('3c00c0003800')
    expect(metadata).toMatch(/^[\x20-\x7e]*$/)
    const entry = (index: number, start: number, end: number, shape: number[]) => ({
      index,
      embed_dtype: 'float16',
      endianness: 'big',
      start,
      end,
      shape,
    })
    expect(JSON.parse(metadata!)).toEqual({
      id: 'embd-0123456789abcdef',
      created: 7,
      model: 'é\u{1F600}',
      data: [entry(0, 0, 4, [2]), entry(1, 4, 6, [1])],
      usage: { prompt_tokens: 10, total_tokens: 10 },
    })
  })

  it('have no header when only they are asked for', () => {
    const { metadata, pieces } = renderVectorBytes('embd', head, { ...format, encoding: 'bytes_only' }, results)
    expect(metadata).toBeUndefined()
    expect([...pieces]).toHaveLength(2)
  })

  it('of /pooling have the shape of a matrix', () => {
    const tokens = { data: Float32Array.of(1, 2, 3, 4, 5, 6), rows: 3, width: 2, usage, timing }
    const { metadata } = renderPoolingBytes(head, format, [tokens])
    expect(JSON.parse(metadata!)).toMatchObject({ id: 'pooling-0123456789abcdef', data: [{ end: 12, shape: [3, 2] }] })
  })
})

describe('numbers that are not finite', () => {
  const nan = vectorOf(1, Number.NaN)
  it.each([
    ['embeddings', () => renderEmbeddings(head, float, [vectorOf(1), nan])],
    ['base64', () => renderEmbeddings(head, base64, [nan])],
    [
      'bytes',
      () =>
        renderVectorBytes('embd', head, { ...base64, encoding: 'bytes' }, [{ data: nan.vector, shape: [2], usage }]),
    ],
    ['scores', () => renderScores(head, [scores(0, Number.POSITIVE_INFINITY)])],
    ['a score beyond float32', () => renderScores(head, [scores(1e39)])],
    ['rerank', () => renderRerank(head, { style: 'vllm', topN: 1, echo: undefined }, scores(1, Number.NaN))],
    ['classify', () => renderClassify(head, [], [{ probs: nan.vector, usage }])],
    ['pooling', () => renderPooling(head, float, [nan])],
    ['Cohere', () => renderCohereEmbed(head, { types: ['binary'], texts: [], hasImages: false, maxTokens: 1 }, [nan])],
    ['TEI', () => renderTeiEmbed([nan])],
  ])('fail before anything is sent: %s', (_name, render) => {
    expect(render).toThrow(expect.objectContaining({ code: 'RESULT_NOT_FINITE' }))
  })
})

describe('pieces', () => {
  const maxPiece = 64 * 1024

  it('are short, and not too short', () => {
    const vectors = Array.from({ length: 50 }, () =>
      vectorOf(...Array.from({ length: 4096 }, (_, index) => index / 4097)),
    )
    const pieces = [...renderEmbeddings(head, float, vectors)]
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(maxPiece)
    expect(pieces.length).toBeLessThanOrEqual(51)
    const many = [...renderScores(head, [scores(...Array.from({ length: 2048 }, () => 0.123456))])]
    expect(many.length).toBeLessThan(10)
  })

  it('can be read again', () => {
    const pieces = renderScores(head, [scores(1)])
    expect([...pieces]).toEqual([...pieces])
    expect([...new JsonPieces(() => [])]).toEqual([])
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
