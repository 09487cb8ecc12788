import { describe, expect, it } from 'vitest'
import { checkMaxTokens, parseCohereEmbed } from '#qvl/api/cohere-embed.js'
import { parseTeiEmbed } from '#qvl/api/tei-embed.js'
import { expectRefusal, invalid, schema, tooLarge } from './expect-refusal.js'

const imageUrl = 'data:image/png;base64,AAAA'
const textPart = { type: 'text', text: 'a' }
const image = { type: 'image', image: imageUrl }

describe('requests of Cohere', () => {
  it.each([
    [
      'texts',
      { texts: ['a', ''] },
      { texts: ['"a"', '""'], hasImages: false, requests: [{ content: 'a' }, { content: '' }] },
    ],
    [
      'images',
      { images: [imageUrl], texts: null },
      { texts: undefined, hasImages: true, requests: [{ content: [image] }] },
    ],
    [
      'mixed',
      { inputs: [{ content: [textPart, { type: 'image_url', image_url: { url: imageUrl } }] }], texts: [] },
      { hasImages: true, requests: [{ content: [textPart, image] }] },
    ],
    ['mixed without images', { inputs: [{ content: [textPart] }] }, { hasImages: false, texts: undefined }],
  ])('%s', (_name, body, expected) => {
    expect(parseCohereEmbed(body, '')).toMatchObject(expected)
  })

  const atLimit = { truncatePromptTokens: -1, truncationSide: 'right' }

  it.each([
    [{}, { ...atLimit, role: undefined, dimensions: undefined }],
    [{ input_type: 'query' }, { role: 'query' }],
    [{ input_type: 'search_query' }, { role: 'query' }],
    [{ input_type: 'document' }, { role: 'document' }],
    [{ input_type: 'search_document' }, { role: 'document' }],
    [{ input_type: 'image' }, { role: 'document' }],
    [{ input_type: null }, { role: undefined }],
    [{ output_dimension: 16 }, { dimensions: 16 }],
    [
      { truncate: 'END', max_tokens: 5 },
      { truncatePromptTokens: 5, truncationSide: 'right' },
    ],
    [
      { truncate: 'START', max_tokens: 5 },
      { truncatePromptTokens: 5, truncationSide: 'left' },
    ],
    [{ truncate: 'START' }, { truncatePromptTokens: -1, truncationSide: 'left' }],
  ])('%j', (fields, expected) => {
    expect(parseCohereEmbed({ texts: ['a'], ...fields }, '').requests[0]).toMatchObject(expected)
  })

  it.each([
    [undefined, ['float']],
    [null, ['float']],
    [[], ['float']],
    [
      ['base64', 'float', 'float'],
      ['float', 'base64'],
    ],
    [
      ['ubinary', 'binary'],
      ['binary', 'ubinary'],
    ],
  ])('types %j', (embedding_types, types) => {
    expect(parseCohereEmbed({ texts: ['a'], embedding_types }, '').types).toEqual(types)
  })

  it('refuses long prompts once they are counted, and only with truncate NONE', () => {
    const cut = parseCohereEmbed({ texts: ['a'], max_tokens: 5 }, '')
    checkMaxTokens(cut, [6])
    const uncut = parseCohereEmbed({ texts: ['a', 'b'], truncate: 'NONE', max_tokens: 5 }, '')
    expect(uncut.requests[0]?.truncatePromptTokens).toBeUndefined()
    checkMaxTokens(uncut, [5, 5])
    const text =
      'Input of 6 tokens exceeds max_tokens=5 with truncate=NONE. Set truncate to END or START to allow truncation.'
    expectRefusal(() => checkMaxTokens(uncut, [5, 6]), invalid, 'body.max_tokens', text)
    checkMaxTokens(parseCohereEmbed({ texts: ['a'], truncate: 'NONE' }, ''), [1e6])
  })

  it.each([
    [schema, 'body', {}, 'Exactly one'],
    [schema, 'body', { texts: [] }, 'Exactly one'],
    [schema, 'body', { texts: ['a'], images: [imageUrl] }, 'Exactly one'],
    [schema, 'body.texts', { texts: 'a' }, 'a list'],
    [schema, 'body.texts[1]', { texts: ['a', 1] }, '1'],
    [schema, 'body.images[0]', { images: [{}] }, 'a URL or data URI'],
    [schema, 'body.inputs[0]', { inputs: ['a'] }, 'a JSON object'],
    [schema, 'body.inputs[0].content', { inputs: [{ content: 'a' }] }, 'a list of content parts'],
    [schema, 'body.inputs[0].content[0].type', { inputs: [{ content: [{}] }] }, 'missing'],
    [
      invalid,
      'body.input_type',
      { texts: ['a'], input_type: 'poem' },
      "Unsupported input_type 'poem'. Supported values: document, image, passage, query, search_document, search_query",
    ],
    [schema, 'body.input_type', { texts: ['a'], input_type: 3 }, 'a string'],
    [schema, 'body.truncate', { texts: ['a'], truncate: 'end' }, 'the string "end" (literal_error)'],
    [schema, 'body.max_tokens', { texts: ['a'], max_tokens: 0 }, 'at least 1'],
    [schema, 'body.output_dimension', { texts: ['a'], output_dimension: 0 }, 'at least 1'],
    [schema, 'body.embedding_types', { texts: ['a'], embedding_types: 'float' }, 'a list of float'],
    [schema, 'body.embedding_types[0]', { texts: ['a'], embedding_types: ['xml'] }, 'the string "xml" (literal_error)'],
    [schema, 'body.embedding_types[1]', { texts: ['a'], embedding_types: ['float', null] }, 'null'],
    [invalid, 'body.embedding_types[0]', { texts: ['a'], embedding_types: ['int8'] }, 'int8 is not supported'],
    [invalid, 'body.embedding_types[0]', { texts: ['a'], embedding_types: ['uint8'] }, 'uint8 is not supported'],
    [
      invalid,
      'body.output_dimension',
      { texts: ['a'], output_dimension: 12, embedding_types: ['binary'] },
      'multiple of 8',
    ],
    [tooLarge, 'body.texts', { texts: ['a', 'b', 'c'] }, '3 items'],
    [tooLarge, 'body.texts[0]', { texts: ['abcdefghijk'] }, '11 bytes'],
  ])('refuses with %s %s of %j', (code, param, body, text) => {
    expectRefusal(() => parseCohereEmbed(body, 'body', { maxItems: 2, maxTextBytes: 10 }), code, param, text)
  })
})

describe('embedding requests of Text Embeddings Inference', () => {
  it.each([
    ['one', { inputs: 'a' }, [{ content: 'a', useActivation: true, truncatePromptTokens: undefined }]],
    ['several', { inputs: ['a', ''] }, [{ content: 'a' }, { content: '' }]],
    ['ids', { inputs: [1, 2] }, [{ content: { tokens: [1, 2] } }]],
    ['lists of ids', { inputs: [[1], [2]] }, [{ content: { tokens: [1] } }, { content: { tokens: [2] } }]],
    ['not normalised', { inputs: 'a', normalize: false }, [{ useActivation: false }]],
    [
      'cut',
      { inputs: 'a', truncate: true, truncation_direction: 'Left' },
      [{ truncatePromptTokens: -1, truncationSide: 'left' }],
    ],
    ['width', { inputs: 'a', dimensions: 8 }, [{ dimensions: 8 }]],
    ['prompt name', { inputs: 'a', prompt_name: 'query' }, [{ role: 'query' }]],
  ])('%s', (_name, body, expected) => {
    expect(parseTeiEmbed(body, '').requests).toMatchObject(expected)
  })

  it.each([
    [schema, 'body.inputs', {}, 'missing'],
    [schema, 'body.inputs', { inputs: [] }, 'an empty list'],
    [schema, 'body.inputs', { inputs: [{ content: [textPart] }] }, 'a string, token ids'],
    [schema, 'body.inputs', { inputs: [{ role: 'user', content: 'a' }] }, 'a string, token ids'],
    [schema, 'body.normalize', { inputs: 'a', normalize: 1 }, 'true or false'],
    [invalid, 'body.prompt_name', { inputs: 'a', prompt_name: 'poem' }, "Unsupported prompt_name 'poem'"],
    [tooLarge, 'body.inputs', { inputs: ['a', 'b', 'c'] }, '3 items'],
  ])('refuses with %s %s of %j', (code, param, body, text) => {
    expectRefusal(() => parseTeiEmbed(body, 'body', { maxItems: 2 }), code, param, text)
  })
})
