import { describe, expect, it } from 'vitest'
import { parseContent } from '#qvl/api/content.js'
import { echoDocument, echoPlain } from '#qvl/api/echo.js'
import { expectRefusal, invalid, schema } from './expect-refusal.js'

const image = 'data:image/png;base64,AAAA'
const imagePart = { type: 'image_url', image_url: { url: image } }
const textPart = { type: 'text', text: 'a' }
const officialParts = [
  { type: 'image', image },
  { type: 'image', image: 'x' },
  { type: 'text', text: 'a' },
  { type: 'text', text: 'b' },
]

describe('content that is accepted', () => {
  it.each([
    ['a string', 'a', 'a'],
    ['an empty string', '', ''],
    ['Cohere text', { text: 'a' }, 'a'],
    ['content string', { content: 'a' }, 'a'],
    ['content parts', { content: [textPart, imagePart] }, [textPart, { type: 'image', image }]],
    ['empty content', { content: [] }, []],
    ['bare parts', [textPart], [textPart]],
    ['one part', textPart, [textPart]],
    ['parts without a type', [{ text: 'a' }, { image_url: image }], [textPart, { type: 'image', image }]],
    ['a plain image URL', [{ type: 'image_url', image_url: image }], [{ type: 'image', image }]],
    [
      'an image with a detail',
      [{ type: 'image_url', image_url: { url: image, detail: 'low' } }],
      [{ type: 'image', image }],
    ],
    ['a video', [{ type: 'video_url', video_url: { url: 'x' } }], [{ type: 'video', video: 'x' }]],
    [
      'frames in one URL, as vLLM has them',
      [{ type: 'video_url', video_url: { url: 'data:video/jpeg;base64,AAAA,BBBB' } }],
      [{ type: 'video', video: ['data:image/jpeg;base64,AAAA', 'data:image/jpeg;base64,BBBB'] }],
    ],
    ['a part with a name', [{ ...imagePart, uuid: 'x' }], [{ type: 'image', image }]],
    [
      'names of the Responses API',
      [
        { type: 'input_text', text: 'a' },
        { type: 'input_image', image_url: image },
      ],
      [textPart, { type: 'image', image }],
    ],
    ['SGLang image', { image }, [{ type: 'image', image }]],
    ['SGLang text and image', { text: 'a', image }, [{ type: 'image', image }, textPart]],
    ['SGLang text and nulls', { text: 'a', image: null, video: null }, 'a'],
    ['texts and images in lists', { text: ['a', 'b'], image: [image, 'x'] }, officialParts],
    ['frames', { video: ['x.PNG', 'y'] }, [{ type: 'video', video: ['x.PNG', 'y'] }]],
    [
      'frames on the web',
      { video: ['https://a/x.jpg?w=1.mp4#2'] },
      [{ type: 'video', video: ['https://a/x.jpg?w=1.mp4#2'] }],
    ],
    [
      'frames as data',
      { video: ['data:image/png;base64,AA'] },
      [{ type: 'video', video: ['data:image/png;base64,AA'] }],
    ],
    [
      'several videos, one of them frames',
      { video: ['x.mp4', ['y.png', 'z.png']] },
      [
        { type: 'video', video: 'x.mp4' },
        { type: 'video', video: ['y.png', 'z.png'] },
      ],
    ],
    ['a video whose name has an image in it', { video: ['x.png.mp4'] }, [{ type: 'video', video: 'x.png.mp4' }]],
  ])('%s', (_name, value, expected) => {
    expect(parseContent(value, 'p')).toEqual(expected)
  })
})

describe('content that is refused', () => {
  it.each([
    [schema, 'p', 42, '42'],
    [schema, 'p', null, 'null'],
    [schema, 'p', {}, 'an object'],
    [schema, 'p.content', { content: 7 }, '7'],
    [schema, 'p.content[1]', { content: [textPart, 'x'] }, 'the string "x"'],
    [schema, 'p.content[0].type', { content: [{ image: 'a' }] }, 'missing'],
    [schema, 'p.content[0].text', { content: [{ type: 'text' }] }, 'missing'],
    [schema, 'p[0].image_url', [{ type: 'image_url' }], 'missing'],
    [schema, 'p[0].image_url', [{ type: 'image_url', image_url: {} }], '{"url": "…"}'],
    [schema, 'p[0].video_url.url', [{ type: 'video_url', video_url: { url: 1 } }], '1'],
    [schema, 'p.video', { video: [1] }, 'a list of 1'],
    [schema, 'p.video', { video: [] }, 'an empty list'],
    [schema, 'p.video', { video: ['x.mp4', []] }, 'a list of 2'],
    [schema, 'p.video', { video: ['x.png', 2] }, 'a list of 2'],
    [schema, 'p.text', { text: 3 }, '3'],
    [
      invalid,
      'p[0].type',
      [{ type: 'audio_url' }],
      "Unsupported chat content part type: 'audio_url'. Supported types: text",
    ],
    [invalid, 'p[0].type', [{ type: 'image_embeds', image_embeds: 'AAAA' }], "'image_embeds'"],
    [invalid, 'p[0].type', [{ type: 'prompt_embeds' }], "'prompt_embeds'"],
    [invalid, 'p[0].type', [{ type: '__proto__' }], "'__proto__'"],
    [schema, 'p[1]', [textPart, 'a'], '{"type": "text", "text": "…"}'],
    [invalid, 'p', { role: 'user', content: 'a' }, 'chat message'],
  ])('%s of %s: %j', (code, param, value, text) => {
    expectRefusal(() => parseContent(value, 'p'), code, param, text)
  })
})

describe('documents in answers', () => {
  const parts = [textPart, imagePart]
  it.each([
    ['a', '{"text":"a","multi_modal":null}', '"a"'],
    ['"\n', '{"text":"\\"\\n","multi_modal":null}', '"\\"\\n"'],
    [{ content: parts }, `{"text":null,"multi_modal":${JSON.stringify(parts)}}`, JSON.stringify(parts)],
    [
      { video: 'x' },
      '{"text":null,"multi_modal":[{"type":"video_url","video_url":{"url":"x"}}]}',
      '[{"type":"video_url","video_url":{"url":"x"}}]',
    ],
  ])('%j', (value, document, plain) => {
    const content = parseContent(value, '')
    expect(echoDocument(content)).toBe(document)
    expect(echoPlain(content)).toBe(plain)
  })
})
