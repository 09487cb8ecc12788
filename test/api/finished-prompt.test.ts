// Prompts that arrive as token ids with media: the forms that are read, and what is refused before anything is loaded.

import { describe, expect, it } from 'vitest'
import { parseEmbeddings } from '#qvl/api/openai-embeddings.js'
import { expectRefusal, schema } from './expect-refusal.js'

const url = 'data:image/png;base64,AAAA'
const ids = [1, 2, 3, 4]

const parse = (input: unknown, attachments?: unknown) =>
  parseEmbeddings({ input, ...(attachments !== undefined && { attachments }) }, '').requests

describe('forms', () => {
  it.each<[string, unknown, unknown, object]>([
    ['ids alone', { prompt_token_ids: ids }, undefined, { tokens: ids, media: [] }],
    [
      'an image',
      { prompt_token_ids: ids, media: [{ image: url }] },
      undefined,
      { tokens: ids, media: [{ type: 'image', image: url }] },
    ],
    [
      'an image and the frames of a video',
      { prompt_token_ids: ids, media: [{ image: url }, { video: [url, 'https://host/frame.png'] }] },
      undefined,
      {
        tokens: ids,
        media: [
          { type: 'image', image: url },
          { type: 'video', video: [url, 'https://host/frame.png'] },
        ],
      },
    ],
    [
      'names of attachments',
      { prompt_token_ids: ids, media: [{ image: 'a' }, { video: ['b', 'a'] }] },
      { a: url, b: `${url}b` },
      {
        tokens: ids,
        media: [
          { type: 'image', image: url },
          { type: 'video', video: [`${url}b`, url] },
        ],
      },
    ],
    [
      'a URL beside attachments',
      { prompt_token_ids: ids, media: [{ image: url }] },
      { a: url },
      { tokens: ids, media: [{ type: 'image', image: url }] },
    ],
    ['a second text', { prompt_token_ids: ids, second_from: 3 }, undefined, { tokens: ids, media: [], secondFrom: 3 }],
    ['fields that are null', { prompt_token_ids: ids, media: null, second_from: null }, undefined, { tokens: ids }],
  ])('%s', (_, input, attachments, expected) => {
    expect(parse(input, attachments)).toMatchObject([{ content: expected, param: 'input' }])
    expect(parse([input, 'a text'], attachments)).toMatchObject([
      { content: expected, param: 'input[0]' },
      { content: 'a text' },
    ])
  })

  it('a name that every object has is no attachment', () => {
    const input = { prompt_token_ids: ids, media: [{ image: 'constructor' }] }
    expectRefusal(() => parse(input, { a: url }), schema, 'input.media[0].image')
  })
})

describe('refusals', () => {
  const form = '{"image": "URL"} or {"video": ["URL of a frame", ...]}'

  it.each<[string, object, string, string]>([
    ['no ids', { prompt_token_ids: [] }, 'input.prompt_token_ids', 'an empty list'],
    ['ids that are text', { prompt_token_ids: 'hello' }, 'input.prompt_token_ids', 'a list of token ids'],
    ['ids that are null', { prompt_token_ids: null }, 'input.prompt_token_ids', 'is missing'],
    ['an id that is text', { prompt_token_ids: [1, '2'] }, 'input.prompt_token_ids[1]', 'the string "2"'],
    ['a fraction', { prompt_token_ids: [1.5] }, 'input.prompt_token_ids[0]', 'whole numbers from 0'],
    ['a negative id', { prompt_token_ids: [1, -1] }, 'input.prompt_token_ids[1]', 'is -1'],
    ['an id of 32 bits', { prompt_token_ids: [2 ** 31] }, 'input.prompt_token_ids[0]', '2147483648'],
    ['ids in a list', { prompt_token_ids: [[1]] }, 'input.prompt_token_ids[0]', 'a list of 1'],
    ['media that are no list', { prompt_token_ids: ids, media: { image: url } }, 'input.media', form],
    ['a medium that is text', { prompt_token_ids: ids, media: [url] }, 'input.media[0]', form],
    ['a medium of no kind', { prompt_token_ids: ids, media: [{ audio: url }] }, 'input.media[0]', form],
    ['a medium of two kinds', { prompt_token_ids: ids, media: [{ image: url, video: 3 }] }, 'input.media[0]', form],
    [
      'an image that is no text',
      { prompt_token_ids: ids, media: [{ image: [url] }] },
      'input.media[0].image',
      'string',
    ],
    ['a video file', { prompt_token_ids: ids, media: [{ video: url }] }, 'input.media[0]', form],
    ['a video without frames', { prompt_token_ids: ids, media: [{ video: [] }] }, 'input.media[0]', form],
    [
      'a frame that is no text',
      { prompt_token_ids: ids, media: [{ image: url }, { video: [url, 1] }] },
      'input.media[1].video[1]',
      'the URL of a frame',
    ],
    ['a second text at −1', { prompt_token_ids: ids, second_from: -1 }, 'input.second_from', 'at least 0'],
    ['a second text after the end', { prompt_token_ids: ids, second_from: 4 }, 'input.second_from', 'among the ids'],
    ['a second text in between', { prompt_token_ids: ids, second_from: 1.5 }, 'input.second_from', 'whole number'],
    ['a second text in words', { prompt_token_ids: ids, second_from: '1' }, 'input.second_from', 'whole number'],
  ])('%s', (_, input, param, text) => {
    expectRefusal(() => parse(input), schema, param, text)
  })

  const image = { prompt_token_ids: ids, media: [{ image: 'a' }] }
  const video = { prompt_token_ids: ids, media: [{ video: ['a', 'b'] }] }

  it.each<[string, object, unknown, string, string]>([
    ['attachments in a list', image, [url], 'attachments', 'a JSON object'],
    ['an attachment that is no text', image, { a: 3 }, 'attachments.a', 'a string'],
    ['an unknown name', image, { b: url }, 'input.media[0].image', 'a name that `attachments` has'],
    ['an unknown name of a frame', video, { a: url }, 'input.media[0].video[1]', 'a name that `attachments` has'],
  ])('%s', (_, input, attachments, param, text) => {
    expectRefusal(() => parse(input, attachments), schema, param, text)
  })

  it('name the prompt among others', () => {
    expectRefusal(() => parse(['a', { prompt_token_ids: [true] }]), schema, 'input[1].prompt_token_ids[0]')
  })
})
