import { describe, expect, it } from 'vitest'
import { parseEmbeddings } from '#qvl/api/openai-embeddings.js'
import type { ChatMessage, ChatOptions, EmbedRequest } from '#qvl/engine/requests.js'
import { expectRefusal, invalid, schema, tooLarge } from './expect-refusal.js'

const image = 'data:image/png;base64,AAAA'
const imagePart = { type: 'image_url', image_url: { url: image } }
const textPart = { type: 'text', text: 'a' }
const user = { role: 'user', content: 'a' }
const system = { role: 'system', content: 'i' }
const emptyAnswer = { role: 'assistant', content: [{ type: 'text', text: '' }] }
const question = { role: 'assistant', content: 'b' }

/** Shows what a template was given. */
const renderChat = (messages: readonly ChatMessage[], options: ChatOptions): string =>
  JSON.stringify([messages, options])

const parse = (body: object, more: object = {}) =>
  parseEmbeddings(body, 'body', { renderChat, acceptsBytes: true, ...more })

const contents = (requests: readonly EmbedRequest[]) => requests.map(({ content }) => content)

describe('input of embedding requests', () => {
  it.each([
    ['one string', 'a', ['a']],
    ['an empty string', '', ['']],
    ['strings', ['a', ''], ['a', '']],
    ['one content object', { content: [textPart] }, [[textPart]]],
    ['contents', ['a', { content: [textPart] }, [imagePart]], ['a', [textPart], [{ type: 'image', image }]]],
    ['SGLang', [{ text: 'a', image }, { text: 'b' }], [[{ type: 'image', image }, textPart], 'b']],
    ['token ids', [1, 2, 0], [{ tokens: [1, 2, 0] }]],
    ['lists of token ids', [[1, 2], [3]], [{ tokens: [1, 2] }, { tokens: [3] }]],
    ['texts and token ids', ['a', [3]], ['a', { tokens: [3] }]],
    ['a conversation', [user], ['a']],
    [
      'a message with a bare string',
      [{ role: 'user', content: ['a', imagePart] }],
      [[textPart, { type: 'image', image }]],
    ],
    ['conversations', [[user], [system, { role: 'user', content: 'b' }]], ['a', 'b']],
  ])('%s', (_name, input, expected) => {
    const { requests, encodingFormat } = parse({ input })
    expect(contents(requests)).toEqual(expected)
    expect(encodingFormat).toEqual({ encoding: 'float' })
  })

  it.each([
    [schema, 'body.input', {}, 'missing'],
    [schema, 'body.input', { input: null }, 'missing'],
    [schema, 'body.input', { input: [] }, 'an empty list'],
    [schema, 'body.input', { input: 7 }, '7'],
    [schema, 'body.input[1]', { input: ['a', 3] }, '3'],
    [schema, 'body.input[1]', { input: [1, 'a'] }, 'token ids'],
    [schema, 'body.input[1]', { input: [1, -1] }, '-1'],
    [schema, 'body.input[0]', { input: [1.5] }, '1.5'],
    [schema, 'body.input[0]', { input: [2 ** 31] }, '2147483648'],
    [schema, 'body.input[1][1]', { input: [[1], [2, null]] }, 'null'],
    [invalid, 'body.input[0]', { input: [[]] }, 'The decoder prompt cannot be empty'],
    [invalid, 'body.input[1]', { input: ['a', user] }, 'chat message'],
    [schema, 'body.input[0].content[0].type', { input: [{ content: [{}] }] }, 'missing'],
    [tooLarge, 'body.input', { input: ['a', 'b', 'c', 'd'] }, '4 items'],
    [tooLarge, 'body.input', { input: [[1], [2], [3], [4]] }, '4 items'],
    [tooLarge, 'body.messages', { messages: [[user], [user], [user], [user]] }, '4 items'],
    [tooLarge, 'body.input[1]', { input: ['a', 'abcdef'] }, '6 bytes'],
    [tooLarge, 'body.input[0]', { input: [[textPart, { type: 'text', text: 'abcde' }]] }, '6 bytes'],
    [tooLarge, 'body.messages[0].content', { messages: [{ role: 'user', content: 'abcdef' }] }, '6 bytes'],
    [schema, 'body.messages', { messages: [] }, 'an empty list'],
    [schema, 'body.messages', { messages: 'a' }, 'the string "a"'],
    [schema, 'body.messages[1]', { messages: [[user], []] }, 'an empty list'],
    [schema, 'body.messages[1]', { messages: [[user], user] }, 'an object'],
    [schema, 'body.messages[0].role', { messages: [{ content: 'a' }] }, 'missing'],
    [schema, 'body.messages[0].content', { messages: [{ role: 'user', content: 5 }] }, '5'],
    [
      invalid,
      'body.messages[0].content[0].type',
      { messages: [{ role: 'user', content: [{ type: 'refusal' }] }] },
      "'refusal'",
    ],
  ])('refuses with %s %s of %j', (code, param, body, text) => {
    expectRefusal(() => parse(body, { maxItems: 3, maxTextBytes: 5 }), code, param, text)
  })

  it('takes more token ids than items', () => {
    expect(contents(parse({ input: [1, 2, 3, 4] }, { maxItems: 2 }).requests)).toEqual([{ tokens: [1, 2, 3, 4] }])
  })
})

describe('fields of embedding requests', () => {
  it.each([
    [{ dimensions: 4 }, { dimensions: 4 }],
    [{ dimensions: null }, { dimensions: 8 }],
    [{}, { instruction: 'default', dimensions: 8 }],
    [{ instruction: 'j' }, { instruction: 'j' }],
    [{ instruct: 'j' }, { instruction: 'j' }],
    [{ use_activation: false }, { useActivation: false }],
    [{ add_special_tokens: false }, { addSpecialTokens: false }],
    [
      { truncate_prompt_tokens: 5, truncation_side: 'left' },
      { truncatePromptTokens: 5, truncationSide: 'left' },
    ],
    [{ mm_processor_kwargs: {}, media_io_kwargs: {} }, {}],
    [{ chat_template: 'of no conversation', user: 'me', priority: 3, padding: true }, { content: 'a' }],
  ])('%j', (fields, expected) => {
    const { requests } = parse({ input: 'a', ...fields }, { instruction: 'default', dimensions: 8 })
    expect(requests[0]).toMatchObject(expected)
  })

  it.each([
    [{}, { encoding: 'float' }],
    [{ encoding_format: 'float', embed_dtype: 'float16', endianness: 'big' }, { encoding: 'float' }],
    [{ encoding_format: 'base64' }, { encoding: 'base64', dtype: 'float32', endianness: 'native' }],
    [
      { encoding_format: 'bytes', embed_dtype: 'fp8_e4m3', endianness: 'big' },
      { encoding: 'bytes', dtype: 'fp8_e4m3', endianness: 'big' },
    ],
    [
      { encoding_format: 'bytes_only', embed_dtype: 'bfloat16', endianness: 'little' },
      { encoding: 'bytes_only', dtype: 'bfloat16', endianness: 'little' },
    ],
  ])('format %j', (fields, expected) => {
    expect(parse({ input: 'a', ...fields }).encodingFormat).toEqual(expected)
  })

  it('takes the format of a flag, and no bytes into a file', () => {
    expect(parse({ input: 'a' }, { encodingFormat: 'base64' }).encodingFormat.encoding).toBe('base64')
    const bytes = () => parseEmbeddings({ input: 'a', encoding_format: 'bytes' }, '')
    expectRefusal(bytes, schema, 'encoding_format', '"float" or "base64"')
  })

  it.each([
    [schema, 'encoding_format', 'xml', 'the string "xml" (literal_error). Send one of "float", "base64"'],
    [schema, 'encoding_format', 5, '5 (literal_error)'],
    [schema, 'encoding_format', 'secret'.repeat(100), 'a string of 600 characters'],
    [schema, 'embed_dtype', 'int8', 'the string "int8" (literal_error)'],
    [schema, 'endianness', 'middle', 'the string "middle" (literal_error)'],
    [schema, 'dimensions', 0, '0'],
    [schema, 'dimensions', -1, '-1'],
    [schema, 'dimensions', '8', 'the string "8"'],
    [schema, 'add_special_tokens', 'no', 'true or false'],
    [
      invalid,
      'normalize',
      false,
      'Parameter `normalize` was removed; use `use_activation` instead. (parameter=normalize)',
    ],
  ])('refuses with %s %s: %j', (code, field, value, text) => {
    expectRefusal(() => parse({ input: 'a', [field]: value }), code, `body.${field}`, text)
  })
})

describe('conversations that are the official recipe', () => {
  it.each([
    ['user', [user], { content: 'a' }],
    ['system and user', [system, user], { content: 'a', instruction: 'i' }],
    ['all three', [system, user, emptyAnswer], { content: 'a', instruction: 'i' }],
    ['an answer of null', [user, { role: 'assistant', content: null }], { content: 'a' }],
    ['an answer of no parts', [user, { role: 'assistant', content: [] }], { content: 'a' }],
    ['a system message in parts', [{ role: 'system', content: [textPart, textPart] }, user], { instruction: 'a\na' }],
    ['an empty system message', [{ role: 'system', content: '' }, user], { instruction: 'default' }],
    ['media', [{ role: 'user', content: [imagePart, textPart] }], { content: [{ type: 'image', image }, textPart] }],
  ])('%s', (_name, messages, expected) => {
    const flags = { continue_final_message: true, add_special_tokens: true, chat_template_kwargs: {} }
    for (const fields of [{}, flags, { add_generation_prompt: true }]) {
      const { requests } = parse({ messages, ...fields }, { instruction: 'default' })
      expect(requests).toEqual([expect.objectContaining({ promptFormat: 'official', ...expected })])
    }
  })
})

describe('conversations that the chat template renders', () => {
  const options = { addGenerationPrompt: false, continueFinalMessage: false }

  it.each([
    ['an answer', [user, question], {}, options],
    ['two users', [user, user], {}, options],
    ['only a system message', [system], {}, options],
    ['another role', [{ role: 'tool', content: 'a' }], {}, options],
    ['variables', [user], { chat_template_kwargs: { x: 1 } }, { ...options, kwargs: { x: 1 } }],
    ['generation', [user, question], { add_generation_prompt: true }, { ...options, addGenerationPrompt: true }],
    ['continued', [user, question], { continue_final_message: true }, { ...options, continueFinalMessage: true }],
    ['a template of its own', [user], { chat_template: 'x' }, { ...options, chatTemplate: 'x' }],
  ])('%s', (_name, messages, fields, expected) => {
    const { requests } = parse({ messages, ...fields }, { trustRequestChatTemplate: true })
    const [request] = requests
    expect(request).toMatchObject({ promptFormat: 'raw', addSpecialTokens: false })
    const [, rendered] = JSON.parse(String(request?.content))
    expect(rendered).toEqual(expected)
  })

  it('keeps special tokens when asked', () => {
    const { requests } = parse({ messages: [user, question], add_special_tokens: true })
    expect(requests[0]).toMatchObject({ addSpecialTokens: true })
  })

  it.each([
    [
      { continue_final_message: true, add_generation_prompt: true },
      'continue_final_message',
      'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
    ],
    [
      { chat_template: 'x' },
      'chat_template',
      'Chat template is passed with request, but --trust-request-chat-template is not set. Refused request with untrusted chat template.',
    ],
    [{ chat_template_kwargs: { chat_template: 'x' } }, 'chat_template_kwargs', "{'chat_template'}"],
  ])('refuses %j', (fields, param, text) => {
    expectRefusal(() => parse({ messages: [user], ...fields }), invalid, `body.${param}`, text)
  })

  it('needs something that renders', () => {
    const body = { messages: [[user], [user, question]] }
    expectRefusal(() => parseEmbeddings(body, ''), invalid, 'messages[1]', 'chat template')
  })
})
