import { describe, expect, it } from 'vitest'
import { parseEmbeddings } from '#qvl/api/openai-embeddings.js'
import { parseRerank } from '#qvl/api/rerank.js'
import { parseScore } from '#qvl/api/score.js'
import { QvlError } from '#qvl/errors.js'

const image = 'data:image/png;base64,AAAA'
const imagePart = { type: 'image_url', image_url: { url: image } }
const textPart = { type: 'text', text: 'a' }

describe('content of documents', () => {
  it.each([
    ['a string', 'a', 'a'],
    ['an empty string', '', ''],
    ['Cohere text', { text: 'a' }, 'a'],
    ['content string', { content: 'a' }, 'a'],
    ['content parts', { content: [textPart, imagePart] }, [textPart, { type: 'image', image }]],
    ['empty content', { content: [] }, []],
    ['bare parts', [textPart], [textPart]],
    ['one part', textPart, [textPart]],
    ['a plain image URL', [{ type: 'image_url', image_url: image }], [{ type: 'image', image }]],
    ['a video', [{ type: 'video_url', video_url: { url: 'x' } }], [{ type: 'video', video: 'x' }]],
  ])('%s', (_name, document, expected) => {
    expect(parseRerank({ query: 'q', documents: [document] }, '').request.documents).toEqual([expected])
  })
})

describe('rerank requests', () => {
  it.each([
    ['defaults', {}, { topN: undefined, returnDocuments: true }],
    ['Dify', { top_n: null, return_documents: true }, { topN: undefined, returnDocuments: true }],
    ['all', { top_n: 0 }, { topN: undefined }],
    ['more than there are', { top_n: 1e9 }, { topN: 1e9 }],
    ['no documents back', { return_documents: false }, { returnDocuments: false }],
    ['instruction', { instruction: 'i' }, { request: { instruction: 'i' } }],
    ['instruct', { instruct: 'i' }, { request: { instruction: 'i' } }],
    ['cut at the limit', { truncate_prompt_tokens: -1 }, { request: { truncatePromptTokens: -1 } }],
    ['logits', { use_activation: false }, { request: { useActivation: false } }],
    ['what changes nothing', { max_tokens_per_doc: 0, truncation_side: 'right', chat_template_kwargs: {} }, {}],
    ['unknown fields', { rank_fields: ['x'], user: 'me', priority: 3 }, {}],
  ])('%s', (_name, fields, expected) => {
    expect(parseRerank({ query: 'q', documents: ['a'], ...fields }, '')).toMatchObject(expected)
  })

  it('takes flags for what is left out', () => {
    const defaults = { instruction: 'i', topN: 2, truncatePromptTokens: 9 }
    const expected = { topN: 2, request: { instruction: 'i', truncatePromptTokens: 9 } }
    expect(parseRerank({ query: 'q', documents: ['a'] }, '', defaults)).toMatchObject(expected)
    expect(parseRerank({ query: 'q', documents: ['a'], top_n: 1, instruction: 'j' }, '', defaults)).toMatchObject({
      topN: 1,
      request: { instruction: 'j' },
    })
  })

  it.each([
    ['body', 'text'],
    ['body', undefined],
    ['body.query', { documents: ['a'] }],
    ['body.query', { query: 3, documents: ['a'] }],
    ['body.documents', { query: 'q' }],
    ['body.documents', { query: 'q', documents: [] }],
    ['body.documents[1]', { query: 'q', documents: ['a', 42] }],
    ['body.documents[1]', { query: 'q', documents: ['a', {}] }],
    ['body.documents[0].content[1].type', { query: 'q', documents: [{ content: [textPart, { type: 'audio' }] }] }],
    ['body.documents[0].content[0].text', { query: 'q', documents: [{ content: [{ type: 'text' }] }] }],
    ['body.documents[0].content[0].image_url', { query: 'q', documents: [{ content: [{ type: 'image_url' }] }] }],
    ['body.documents[0]', { query: 'q', documents: [{ role: 'user', content: 'a' }] }],
    ['body.top_n', { query: 'q', documents: ['a'], top_n: -1 }],
    ['body.top_n', { query: 'q', documents: ['a'], top_n: 1.5 }],
    ['body.top_n', { query: 'q', documents: ['a'], top_n: '3' }],
    ['body.truncate_prompt_tokens', { query: 'q', documents: ['a'], truncate_prompt_tokens: -2 }],
    ['body.truncate_prompt_tokens', { query: 'q', documents: ['a'], truncate_prompt_tokens: 1e300 }],
    ['body.use_activation', { query: 'q', documents: ['a'], use_activation: 'yes' }],
    ['body.max_tokens_per_doc', { query: 'q', documents: ['a'], max_tokens_per_doc: 5 }],
    ['body.truncation_side', { query: 'q', documents: ['a'], truncation_side: 'left' }],
    ['body.chat_template', { query: 'q', documents: ['a'], chat_template: '{{ x }}' }],
    ['body.instruct', { query: 'q', documents: ['a'], instruction: 'i', instruct: 'j' }],
  ])('refuses %s of %j', (param, body) => {
    expectRefusal(() => parseRerank(body, 'body'), param)
  })
})

describe('score requests', () => {
  it.each([
    ['1:1', { text_1: 'q', text_2: 'a' }, [['q', ['a']]]],
    ['1:N', { data_1: 'q', data_2: ['a', 'b'] }, [['q', ['a', 'b']]]],
    ['a list of one query', { queries: ['q'], documents: ['a', 'b'] }, [['q', ['a', 'b']]]],
    [
      'N:N',
      { queries: ['q', 'r'], items: ['a', 'b'] },
      [
        ['q', ['a']],
        ['r', ['b']],
      ],
    ],
    ['content', { queries: { content: [textPart] }, documents: { text: 'a' } }, [[[textPart], ['a']]]],
  ])('%s', (_name, body, expected) => {
    expect(parseScore(body, '').map(({ query, documents }) => [query, documents])).toEqual(expected)
  })

  it.each([
    ['queries', {}],
    ['text_2', { text_1: 'q' }],
    ['documents', { queries: 'q' }],
    ['text_1', { text_1: [], text_2: ['a'] }],
    ['text_2', { text_1: 'q', text_2: [] }],
    ['text_2', { text_1: ['q', 'r'], text_2: ['a', 'b', 'c'] }],
    ['items[1]', { queries: 'q', items: ['a', null] }],
  ])('refuses %s of %j', (param, body) => {
    expectRefusal(() => parseScore(body, ''), param)
  })
})

describe('embedding requests', () => {
  it.each([
    ['one string', { input: 'a' }, ['a']],
    ['strings', { input: ['a', ''] }, ['a', '']],
    ['mixed', { input: ['a', { content: [textPart] }, [imagePart]] }, ['a', [textPart], [{ type: 'image', image }]]],
  ])('%s', (_name, body, expected) => {
    const { requests, encodingFormat } = parseEmbeddings(body, '')
    expect(requests.map(({ content }) => content)).toEqual(expected)
    expect(encodingFormat).toBe('float')
  })

  it('reads the options', () => {
    const body = { input: 'a', dimensions: 4, instruction: 'i', encoding_format: 'base64', embed_dtype: 'float32' }
    expect(parseEmbeddings(body, '')).toMatchObject({
      requests: [{ content: 'a', dimensions: 4, instruction: 'i' }],
      encodingFormat: 'base64',
    })
  })

  it.each([
    ['input', {}, 'missing'],
    ['input', { input: [] }, 'an empty list'],
    ['input', { input: 7 }, '7'],
    ['input', { input: [1, 2, 3] }, 'token ids'],
    ['input', { input: [[1, 2], [3]] }, 'token ids'],
    ['input', { input: ['a', 3] }, 'token ids'],
    ['messages', { messages: [{ role: 'user', content: 'a' }] }, 'a list of 1'],
    ['input[0]', { input: [{ role: 'user', content: 'a' }] }, 'chat message'],
    ['encoding_format', { input: 'a', encoding_format: 'xml' }, 'the string "xml"'],
    ['encoding_format', { input: 'a', encoding_format: 'bytes' }, 'the string "bytes"'],
    ['embed_dtype', { input: 'a', embed_dtype: 'float16' }, 'the string "float16"'],
    ['endianness', { input: 'a', endianness: 'big' }, 'the string "big"'],
    ['dimensions', { input: 'a', dimensions: 0 }, '0'],
    ['normalize', { input: 'a', normalize: false }, 'use `use_activation` instead. (parameter=normalize)'],
  ])('refuses %s of %j', (param, body, got) => {
    expectRefusal(() => parseEmbeddings(body, ''), param, got)
  })

  it('does not repeat a long value', () => {
    const body = { input: 'a', encoding_format: 'secret'.repeat(100) }
    expectRefusal(() => parseEmbeddings(body, ''), 'encoding_format', 'a string of 600 characters')
  })
})

function expectRefusal(parse: () => unknown, param: string, got = ''): void {
  try {
    parse()
  } catch (error) {
    expect(error).toBeInstanceOf(QvlError)
    expect(error).toMatchObject({ code: 'REQUEST_INVALID', details: { param, what: expect.stringContaining(got) } })
    return
  }
  expect.unreachable('nothing was refused')
}
