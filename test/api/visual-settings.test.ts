import { describe, expect, it } from 'vitest'
import { Fields } from '#qvl/api/fields.js'
import { parseVisualSettings } from '#qvl/api/visual-settings.js'
import { expectRefusal, invalid, schema } from './expect-refusal.js'

const parse = (body: object) => parseVisualSettings(new Fields(body, 'body'))

describe('how images and videos are looked at', () => {
  it.each([
    ['nothing', {}, undefined],
    ['empty objects', { mm_processor_kwargs: {}, media_io_kwargs: {} }, undefined],
    [
      'pixels',
      { mm_processor_kwargs: { min_pixels: 4096, max_pixels: 8192 } },
      { image: { minPixels: 4096, maxPixels: 8192 }, video: {} },
    ],
    ['one of them', { mm_processor_kwargs: { max_pixels: 8192 } }, { image: { maxPixels: 8192 }, video: {} }],
    [
      'a size',
      { mm_processor_kwargs: { size: { shortest_edge: 4096, longest_edge: 8192 } } },
      { image: { minPixels: 4096, maxPixels: 8192 }, video: {} },
    ],
    [
      'frames per second',
      { mm_processor_kwargs: { fps: 0.5, max_frames: 8 } },
      { image: {}, video: { fps: 0.5, maxFrames: 8 } },
    ],
    ['frames', { media_io_kwargs: { video: { num_frames: 8 } } }, { video: { minFrames: 8, maxFrames: 8 } }],
    [
      'frames per second, and how many at most',
      { media_io_kwargs: { video: { num_frames: 8, fps: 2 }, image: {} } },
      { video: { fps: 2, maxFrames: 8 } },
    ],
    [
      'what is null',
      { mm_processor_kwargs: { do_resize: null, total_pixels: 9 } },
      { image: {}, video: { totalPixels: 9 } },
    ],
  ])('%s', (_name, body, expected) => {
    expect(parse(body)).toEqual(expected)
  })

  it.each([
    [schema, 'mm_processor_kwargs', 5, 'a JSON object'],
    [schema, 'mm_processor_kwargs.max_pixels', { max_pixels: 0 }, 'at least 1'],
    [schema, 'mm_processor_kwargs.max_pixels', { max_pixels: '9' }, 'the string "9"'],
    [schema, 'mm_processor_kwargs.fps', { fps: 0 }, 'above 0'],
    [schema, 'mm_processor_kwargs.num_frames', { num_frames: -1 }, 'at least 2'],
    [invalid, 'mm_processor_kwargs.do_resize', { do_resize: false }, 'is not supported'],
    [invalid, 'mm_processor_kwargs.size.height', { size: { height: 3 } }, 'is not supported'],
    [invalid, 'media_io_kwargs.audio', { audio: { x: 1 } }, 'is not supported'],
    [invalid, 'media_io_kwargs.image.rgba_background_color', { image: { rgba_background_color: [0] } }, 'Leave it out'],
  ])('refuses with %s %s: %j', (code, path, value, text) => {
    const [field = ''] = path.split('.')
    expectRefusal(() => parse({ [field]: value }), code, `body.${path}`, text)
  })
})
