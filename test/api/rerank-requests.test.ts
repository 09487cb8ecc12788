import { describe, expect, it } from 'vitest'
import { parseRerank } from '#qvl/api/rerank.js'
import { expectRefusal, invalid, schema, tooLarge } from './expect-refusal.js'

const plain = { query: 'q', documents: ['a'] }
const model = { kind: 'score', maxModelLen: 100 } as const

describe('rerank requests', () => {
  it.each([
    ['defaults', {}, { style: 'vllm', topN: undefined, echo: ['{"text":"a","multi_modal":null}'] }],
    ['Dify', { top_n: null, return_documents: true }, { topN: undefined }],
    ['all', { top_n: 0 }, { topN: undefined }],
    ['more than there are', { top_n: 1e9 }, { topN: 1e9 }],
    ['no documents back', { return_documents: false }, { echo: undefined }],
    ['instruction', { instruction: 'i' }, { request: { instruction: 'i' } }],
    ['instruct', { instruct: 'i' }, { request: { instruction: 'i' } }],
    ['both alike', { instruct: 'i', instruction: 'i' }, { request: { instruction: 'i' } }],
    [
      'a template variable wins',
      { instruction: 'i', chat_template_kwargs: { instruction: 'j' } },
      { request: { instruction: 'j' } },
    ],
    [
      'variables nobody uses',
      { instruction: 'i', chat_template_kwargs: { enable_thinking: false } },
      { request: { instruction: 'i' } },
    ],
    ['cut at the limit', { truncate_prompt_tokens: -1 }, { request: { truncatePromptTokens: -1 } }],
    ['cut to the limit', { truncate_prompt_tokens: 100 }, { request: { truncatePromptTokens: 100 } }],
    ['cut from the left', { truncation_side: 'left' }, { request: { truncationSide: 'left' } }],
    [
      'cut both',
      { max_tokens_per_query: 5, max_tokens_per_doc: 99 },
      { request: { maxTokensPerQuery: 5, maxTokensPerDoc: 99 } },
    ],
    ['cut none', { max_tokens_per_query: 0, max_tokens_per_doc: 0 }, { request: { maxTokensPerDoc: undefined } }],
    ['logits', { use_activation: false }, { request: { useActivation: false } }],
    ['what changes nothing', { mm_processor_kwargs: {}, media_io_kwargs: null }, {}],
    ['extras of Cohere', { rank_fields: ['x'], max_chunks_per_doc: 3 }, {}],
    [
      'the fields that are read',
      { documents: [{ text: 'a' }], rank_fields: ['text'] },
      { request: { documents: ['a'] } },
    ],
    ['unknown fields', { encoding_format: 'xml', endpoint: 'x' }, {}],
  ])('%s', (_name, fields, expected) => {
    expect(parseRerank({ ...plain, ...fields }, '', { model })).toMatchObject(expected)
  })

  it.each([
    ['one string', 'a', ['a']],
    ['one content object', { content: [{ type: 'text', text: 'a' }] }, [[{ type: 'text', text: 'a' }]]],
    ['Cohere', [{ text: 'a', title: 'b' }], ['a']],
    ['mixed', ['a', { text: 'b' }, [{ type: 'text', text: 'c' }]], ['a', 'b', [{ type: 'text', text: 'c' }]]],
    ['empty texts', ['', ' '], ['', ' ']],
  ])('documents: %s', (_name, documents, expected) => {
    expect(parseRerank({ query: '', documents }, '').request).toMatchObject({ query: '', documents: expected })
  })

  it('takes flags for what is left out', () => {
    const defaults = { instruction: 'i', topN: 2, truncatePromptTokens: 9 }
    const expected = { topN: 2, request: { instruction: 'i', truncatePromptTokens: 9 } }
    expect(parseRerank(plain, '', defaults)).toMatchObject(expected)
    expect(parseRerank({ ...plain, top_n: 1, instruction: 'j' }, '', defaults)).toMatchObject({
      topN: 1,
      request: { instruction: 'j' },
    })
  })

  it.each([
    [schema, 'body', 'text', 'the string "text"'],
    [schema, 'body', undefined, 'missing'],
    [schema, 'body', [], 'an empty list'],
    [schema, 'body.query', { documents: ['a'] }, 'missing'],
    [schema, 'body.query', { query: 3, documents: ['a'] }, '3'],
    [schema, 'body.query', { query: null, documents: ['a'] }, 'missing'],
    [schema, 'body.documents', { query: 'q' }, 'missing'],
    [invalid, 'body.documents', { query: 'q', documents: [] }, 'At least one text_pair element must be given'],
    [schema, 'body.documents[1]', { query: 'q', documents: ['a', 42] }, '42'],
    [schema, 'body.documents[1]', { query: 'q', documents: ['a', {}] }, 'an object'],
    [
      invalid,
      'body.documents[0].content[0].type',
      { query: 'q', documents: [{ content: [{ type: 'audio' }] }] },
      "'audio'",
    ],
    [invalid, 'body.documents[0]', { query: 'q', documents: [{ role: 'user', content: 'a' }] }, 'chat message'],
    [
      invalid,
      'body.rank_fields',
      { query: 'q', documents: ['a', { title: 'b', text: 'c' }], rank_fields: ['title', 'text'] },
      'into `text`',
    ],
    [tooLarge, 'body.documents', { query: 'q', documents: ['a', 'b', 'c', 'd'] }, '--max-items'],
    [tooLarge, 'body.documents[1]', { query: 'q', documents: ['a', 'é'.repeat(51)] }, '102 bytes'],
    [tooLarge, 'body.query', { query: [{ type: 'text', text: 'q'.repeat(101) }], documents: ['a'] }, '101 bytes'],
    [tooLarge, 'body.instruction', { ...plain, instruction: 'i'.repeat(101) }, '101 bytes'],
    [tooLarge, 'body.instruct', { ...plain, instruct: 'i'.repeat(101) }, '101 bytes'],
    [
      tooLarge,
      'body.chat_template_kwargs.instruction',
      { ...plain, chat_template_kwargs: { instruction: 'i'.repeat(101) } },
      '101 bytes',
    ],
  ])('refuses with %s %s of %j', (code, param, body, text) => {
    expectRefusal(() => parseRerank(body, 'body', { maxItems: 3, maxTextBytes: 100 }), code, param, text)
  })

  it.each([
    [schema, 'top_n', -1, '-1'],
    [schema, 'top_n', 1.5, '1.5'],
    [schema, 'top_n', '3', 'the string "3"'],
    [schema, 'return_documents', 1, 'true or false'],
    [schema, 'truncate_prompt_tokens', -2, '-2'],
    [schema, 'truncate_prompt_tokens', 1e300, '1e+300'],
    [
      invalid,
      'truncate_prompt_tokens',
      1e12,
      'truncate_prompt_tokens value is greater than max_model_len. Please request a smaller truncation size.',
    ],
    [schema, 'truncation_side', 'middle', 'the string "middle" (literal_error)'],
    [schema, 'use_activation', 'yes', 'true or false'],
    [invalid, 'max_tokens_per_doc', -1, 'max_tokens_per_doc must be a non-negative integer'],
    [invalid, 'max_tokens_per_query', -5, 'max_tokens_per_query must be a non-negative integer'],
    [invalid, 'max_tokens_per_doc', 100, 'max_tokens_per_doc (100) must be less than max_model_len (100).'],
    [invalid, 'max_tokens_per_query', 101, 'max_tokens_per_query (101) must be less than max_model_len (100).'],
    [schema, 'max_tokens_per_doc', 1.5, '1.5'],
    [schema, 'instruction', 7, 'a string'],
    [
      invalid,
      'dimensions',
      3,
      "Task 'classify' only supports ['use_activation'] parameters, does not support ['dimensions'] parameters",
    ],
    [
      invalid,
      'chat_template',
      '{{ x }}',
      'Chat template is passed with request, but --trust-request-chat-template is not set. Refused request with untrusted chat template.',
    ],
    [schema, 'chat_template_kwargs', 'x', 'a JSON object'],
    [
      invalid,
      'chat_template_kwargs',
      { tools: [], tokenize: 1 },
      "chat_template_kwargs contains reserved keys that conflict with fixed scorer arguments: {'tools', 'tokenize'}",
    ],
    [schema, 'mm_processor_kwargs', 5, 'a JSON object'],
  ])('refuses with %s %s: %j', (code, field, value, text) => {
    expectRefusal(() => parseRerank({ ...plain, [field]: value }, 'body', { model }), code, `body.${field}`, text)
  })

  it('refuses two different instructions', () => {
    const body = { ...plain, instruction: 'i', instruct: 'j' }
    expectRefusal(() => parseRerank(body, 'body'), invalid, 'body.instruct', 'differ')
  })

  it('has no template of a request, even a trusted one', () => {
    const parse = () => parseRerank({ ...plain, chat_template: 'x' }, 'body', { trustRequestChatTemplate: true })
    expectRefusal(parse, invalid, 'body.chat_template', 'not supported')
  })
})

describe('rerank requests of SGLang', () => {
  const settings = { style: 'sglang' } as const
  const parts = [{ type: 'text', text: 'a' }]

  it.each([
    ['strings', ['a'], ['"a"']],
    ['parts', [parts], [JSON.stringify(parts)]],
    ['not returned', ['a'], undefined, { return_documents: false }],
    ['top_n', ['a'], ['"a"'], { top_n: 1 }],
    ['no top_n', ['a'], ['"a"'], { top_n: null }],
  ])('%s', (_name, documents, echo, fields?: object) => {
    expect(parseRerank({ query: 'q', documents, ...fields }, '', settings)).toMatchObject({ style: 'sglang', echo })
  })

  it.each([
    [invalid, 'body.query', { query: '', documents: ['a'] }, 'Query cannot be empty'],
    [invalid, 'body.query', { query: ' \n', documents: ['a'] }, 'Query cannot be empty or whitespace only'],
    [invalid, 'body.documents', { query: 'q', documents: [] }, 'Documents cannot be empty'],
    [schema, 'body.documents', { query: 'q', documents: 'a' }, 'a list of strings or part lists'],
    [invalid, 'body.documents[1]', { query: 'q', documents: ['a', ''] }, 'Each document must be a non-empty string'],
    [invalid, 'body.documents[0]', { query: 'q', documents: [' '] }, 'cannot be empty or whitespace only'],
    [schema, 'body.top_n', { query: 'q', documents: ['a'], top_n: 0 }, 'at least 1'],
  ])('refuses with %s %s of %j', (code, param, body, text) => {
    expectRefusal(() => parseRerank(body, 'body', settings), code, param, text)
  })
})

describe('rerank requests of Text Embeddings Inference', () => {
  it.each([
    [
      'defaults',
      {},
      { echo: undefined, topN: undefined, request: { useActivation: true, truncatePromptTokens: undefined } },
    ],
    ['raw', { raw_scores: true }, { request: { useActivation: false } }],
    ['returned', { return_text: true }, { echo: ['"a"', '""'] }],
    ['cut', { truncate: true }, { request: { truncatePromptTokens: -1, truncationSide: 'right' } }],
    ['cut left', { truncate: true, truncation_direction: 'Left' }, { request: { truncationSide: 'left' } }],
    ['small letters', { truncate: true, truncation_direction: 'left' }, { request: { truncationSide: 'left' } }],
  ])('%s', (_name, fields, expected) => {
    const body = parseRerank({ query: 'q', texts: ['a', ''], ...fields }, '')
    expect(body).toMatchObject({ style: 'tei', ...expected })
    expect(body.request.documents).toEqual(['a', ''])
  })

  it.each([
    [schema, 'body.query', { texts: ['a'] }, 'missing'],
    [schema, 'body.query', { query: ['q'], texts: ['a'] }, 'a string'],
    [schema, 'body.texts', { query: 'q', texts: 'a' }, 'a list of strings'],
    [invalid, 'body.texts', { query: 'q', texts: [] }, 'cannot be empty'],
    [schema, 'body.texts[1]', { query: 'q', texts: ['a', 1] }, 'a string'],
    [schema, 'body.truncate', { query: 'q', texts: ['a'], truncate: 'END' }, 'true or false'],
    [schema, 'body.truncation_direction', { query: 'q', texts: ['a'], truncation_direction: 'up' }, 'literal_error'],
    [tooLarge, 'body.texts', { query: 'q', texts: ['a', 'b', 'c'] }, '3 items'],
    [tooLarge, 'body.texts[0]', { query: 'q', texts: ['abcdefghijk'] }, '11 bytes'],
  ])('refuses with %s %s of %j', (code, param, body, text) => {
    expectRefusal(() => parseRerank(body, 'body', { maxItems: 2, maxTextBytes: 10 }), code, param, text)
  })
})
