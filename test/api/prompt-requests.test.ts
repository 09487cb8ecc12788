// The requests of single prompts that are no embeddings: classify, pooling, tokenize, and invocations, which choose.

import { describe, expect, it } from 'vitest'
import { parseClassify } from '#qvl/api/classify.js'
import { parseEnvelope } from '#qvl/api/envelope.js'
import { parseInvocation } from '#qvl/api/invocations.js'
import { parsePooling } from '#qvl/api/pooling.js'
import { parseDetokenize, parseTokenize } from '#qvl/api/tokenize.js'
import { expectRefusal, invalid, schema, tooLarge } from './expect-refusal.js'

const user = { role: 'user', content: 'a' }
const embedder = { kind: 'embed', maxModelLen: 100 } as const
const reranker = { kind: 'score', maxModelLen: 100 } as const
const settings = {
  renderChat: (messages: readonly object[], options: object) => `${messages.length} ${JSON.stringify(options)}`,
  maxItems: 2,
  maxTextBytes: 100,
}
const rendered = '1 {"addGenerationPrompt":false,"continueFinalMessage":false}'

describe('the fields of every request', () => {
  it.each([
    [{}, { model: undefined, priority: 0, cacheSalt: undefined }],
    [
      { model: null, priority: null, cache_salt: null, user: null },
      { model: undefined, priority: 0 },
    ],
    [{ model: '' }, { model: undefined }],
    [
      { model: 'm', priority: -3, cache_salt: 's', user: 'u', request_id: 'r' },
      { model: 'm', priority: -3, cacheSalt: 's' },
    ],
  ])('%j', (body, expected) => {
    expect(parseEnvelope(body, 'body')).toMatchObject(expected)
  })

  it.each([
    ['body', [], 'an empty list'],
    ['body.model', { model: 5 }, '5'],
    ['body.priority', { priority: 'high' }, 'a whole number'],
    ['body.priority', { priority: 0.5 }, '0.5'],
    ['body.user', { user: {} }, 'an object'],
    ['body.request_id', { request_id: 1 }, '1'],
    ['body.cache_salt', { cache_salt: '' }, '1 to 1024'],
    ['body.cache_salt', { cache_salt: 'x'.repeat(1025) }, 'a string of 1025 characters'],
  ])('refuses %s of %j', (param, body, text) => {
    expectRefusal(() => parseEnvelope(body, 'body'), schema, param, text)
  })
})

describe('classify requests', () => {
  it.each([
    ['a text', { input: 'a' }, [{ content: 'a' }]],
    ['texts', { input: ['a', ''] }, [{ content: 'a' }, { content: '' }]],
    ['without special tokens', { input: 'a', add_special_tokens: false }, [{ addSpecialTokens: false }]],
    ['token ids', { input: [[1], [2]] }, [{ content: { tokens: [1] } }, { content: { tokens: [2] } }]],
    [
      'options',
      { input: 'a', use_activation: false, truncate_prompt_tokens: 3 },
      [{ useActivation: false, truncatePromptTokens: 3 }],
    ],
    ['a conversation', { messages: [user] }, [{ content: rendered, addSpecialTokens: false }]],
    [
      'conversations',
      { input: [[user], [user]], add_special_tokens: true },
      [{ content: rendered, addSpecialTokens: true }, {}],
    ],
  ])('%s', (_name, body, expected) => {
    const { requests } = parseClassify(body, 'body', settings)
    expect(requests).toMatchObject(expected)
    expect(requests).toHaveLength(expected.length)
  })

  it.each([
    [schema, 'body.input', {}, 'missing'],
    [schema, 'body.input', { input: [{ type: 'text', text: 'a' }] }, undefined],
    [
      invalid,
      'body.dimensions',
      { input: 'a', dimensions: 3 },
      "Task 'classify' only supports ['use_activation'] parameters, does not support ['dimensions'] parameters",
    ],
    [invalid, 'body.normalize', { input: 'a', normalize: true }, 'Parameter `normalize` was removed'],
    [tooLarge, 'body.input', { input: ['a', 'b', 'c'] }, '3 items'],
    [tooLarge, 'body.input', { input: 'a'.repeat(101) }, '101 bytes'],
  ])('refuses with %s %s of %j', (code, param, body, text) => {
    const at = text === undefined ? `${param}[0]` : param
    expectRefusal(() => parseClassify(body, 'body', settings), code, at, text)
  })
})

describe('pooling requests', () => {
  it.each([
    ['the task of an embedder', { input: 'a' }, embedder, { task: 'embed', requests: [{ content: 'a' }] }],
    ['the task of a reranker', { input: 'a' }, reranker, { task: 'classify', requests: [{ content: 'a' }] }],
    ['a row for each token', { input: 'a', task: 'token_embed' }, embedder, { task: 'token_embed' }],
    ['a named task', { input: 'a', task: 'classify' }, reranker, { task: 'classify' }],
    ['a conversation', { messages: [user] }, embedder, { requests: [{ content: 'a', promptFormat: 'official' }] }],
    ['without a default width', { input: 'a' }, embedder, { requests: [{ dimensions: undefined }] }],
    ['base64', { input: 'a', encoding_format: 'base64' }, reranker, { encodingFormat: { encoding: 'base64' } }],
  ])('%s', (_name, body, model, expected) => {
    expect(parsePooling(body, '', { ...settings, model, dimensions: 8 })).toMatchObject(expected)
  })

  it.each([
    [invalid, 'dimensions', 4, 'dimensions is currently not supported'],
    [invalid, 'normalize', true, 'Parameter `normalize` was removed'],
    [schema, 'task', 'x', 'the string "x" (literal_error)'],
    [invalid, 'task', 'classify', "Unsupported task: 'classify' Supported tasks: ('embed', 'token_embed')"],
    [invalid, 'task', 'plugin', "Unsupported task: 'plugin'"],
    [invalid, 'task', 'encode', "use 'token_embed' instead"],
    [invalid, 'task', 'score', "use 'classify' instead"],
    [schema, 'encoding_format', 'xml', 'literal_error'],
  ])('refuses with %s %s: %j', (code, field, value, text) => {
    const parse = () => parsePooling({ input: 'a', [field]: value }, 'body', { model: embedder })
    expectRefusal(parse, code, `body.${field}`, text)
  })

  it('names the one task of a reranker as Python does', () => {
    const parse = () => parsePooling({ input: 'a', task: 'embed' }, 'body', { model: reranker })
    expectRefusal(parse, invalid, 'body.task', "Supported tasks: ('classify',)")
  })
})

describe('tokenize requests', () => {
  it.each([
    [{ prompt: 'a' }, { text: 'a', addSpecialTokens: true, returnTokenStrs: false }],
    [
      { prompt: '', add_special_tokens: false, return_token_strs: true },
      { text: '', addSpecialTokens: false, returnTokenStrs: true },
    ],
    [
      { messages: [user] },
      {
        text: '1 {"addGenerationPrompt":true,"continueFinalMessage":false}',
        addSpecialTokens: false,
        returnTokenStrs: false,
      },
    ],
    [
      { messages: [user], add_special_tokens: true, continue_final_message: true },
      { text: '1 {"addGenerationPrompt":false,"continueFinalMessage":true}', addSpecialTokens: true },
    ],
  ])('%j', (body, expected) => {
    expect(parseTokenize(body, '', settings)).toMatchObject(expected)
  })

  it.each([
    [schema, 'prompt', {}, 'missing'],
    [schema, 'prompt', { prompt: ['a'] }, 'a list of 1'],
    [schema, 'return_token_strs', { prompt: 'a', return_token_strs: 1 }, 'true or false'],
    [schema, 'messages', { messages: [] }, 'an empty list'],
    [tooLarge, 'prompt', { prompt: 'a'.repeat(101) }, '101 bytes'],
    [invalid, 'tools', { messages: [user], tools: [{ type: 'function' }] }, 'not supported'],
    [invalid, 'chat_template', { messages: [user], chat_template: 'x' }, '--trust-request-chat-template is not set'],
  ])('refuses with %s %s of %j', (code, param, body, text) => {
    expectRefusal(() => parseTokenize(body, '', settings), code, param, text)
  })

  it('reads ids for /detokenize', () => {
    expect(parseDetokenize({ tokens: [1, 0] }, '')).toEqual({ tokens: [1, 0] })
    expect(parseDetokenize({ tokens: [] }, '')).toEqual({ tokens: [] })
    expectRefusal(() => parseDetokenize({}, 'body'), schema, 'body.tokens', 'missing')
    expectRefusal(() => parseDetokenize({ tokens: [-1] }, 'body'), schema, 'body.tokens[0]', '-1')
  })
})

describe('invocations', () => {
  it.each([
    ['embeddings', { input: 'a' }, embedder],
    ['embeddings', { messages: [user] }, embedder],
    ['classify', { input: 'a' }, reranker],
    ['rerank', { query: 'q', documents: ['a'] }, embedder],
    ['rerank', { query: 'q', texts: ['a'] }, reranker],
    ['score', { queries: 'q', documents: ['a'] }, reranker],
    ['score', { text_1: 'q', text_2: 'a' }, reranker],
  ])('%s from %j', (endpoint, body, model) => {
    expect(parseInvocation(body, 'body', { ...settings, model })).toMatchObject({ endpoint })
  })

  it.each([
    [undefined, {}, 'Cannot find suitable handler for request. Expected one of: ['],
    [undefined, 'text', 'Cannot find suitable handler for request. Expected one of: ['],
    ['body.documents', { query: 'q', documents: [] }, 'At least one text_pair element must be given'],
  ])('refuses with %s: %j', (param, body, text) => {
    expectRefusal(() => parseInvocation(body, 'body', { model: embedder }), invalid, param, text)
  })
})
