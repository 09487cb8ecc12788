// mm_processor_kwargs and media_io_kwargs: how the images and videos of one request are looked at.

import type { VisualSettings } from '../engine/requests.js'
import { Fields, refusal } from './fields.js'

/** What is not understood is refused: ignoring it would give another answer than the one asked for. Throws REQUEST_*. */
export function parseVisualSettings(fields: Fields): VisualSettings | undefined {
  const processor = section(fields, 'mm_processor_kwargs', [...imageKeys, ...videoKeys, 'size'])
  const io = section(fields, 'media_io_kwargs', ['image', 'video'])
  if (processor === undefined && io === undefined) return undefined
  if (io !== undefined) section(io, 'image', [])
  const ioVideo = io && section(io, 'video', ['num_frames', 'fps'])
  return {
    ...(processor && { image: imageSettings(processor) }),
    video: { ...(processor && videoSettings(processor)), ...(ioVideo && videoSettings(ioVideo)) },
  }
}

const imageKeys = ['min_pixels', 'max_pixels'] as const
const videoKeys = ['fps', 'num_frames', 'min_frames', 'max_frames', 'total_pixels'] as const

/** Of a processor that thinks in areas, `size` has the same two numbers under other names. */
function imageSettings(fields: Fields): NonNullable<VisualSettings['image']> {
  const size = section(fields, 'size', ['shortest_edge', 'longest_edge'])
  const minPixels = fields.integer('min_pixels', 1) ?? size?.integer('shortest_edge', 1)
  const maxPixels = fields.integer('max_pixels', 1) ?? size?.integer('longest_edge', 1)
  return { ...(minPixels !== undefined && { minPixels }), ...(maxPixels !== undefined && { maxPixels }) }
}

/** `num_frames` is so many, spread over the video; with `fps` it is the most. */
function videoSettings(fields: Fields): NonNullable<VisualSettings['video']> {
  const fps = fields.number('fps')
  if (fps !== undefined && !(fps > 0)) throw fields.invalid('fps', 'a number above 0')
  const numFrames = fields.integer('num_frames', minFrames)
  const fewest = fields.integer('min_frames', minFrames) ?? (fps === undefined ? numFrames : undefined)
  const most = fields.integer('max_frames', minFrames) ?? numFrames
  const totalPixels = fields.integer('total_pixels', 1)
  return {
    ...(fps !== undefined && { fps }),
    ...(fewest !== undefined && { minFrames: fewest }),
    ...(most !== undefined && { maxFrames: most }),
    ...(totalPixels !== undefined && { totalPixels }),
  }
}

/** The model looks at pairs. */
const minFrames = 2

/** An object that has no other keys than these; undefined when there is none, or nothing in it. */
function section(fields: Fields, key: string, known: readonly string[]): Fields | undefined {
  const value = fields.record(key)
  if (value === undefined || Object.keys(value).length === 0) return undefined
  const inside = new Fields(value, fields.pathOf(key))
  const unknown = Object.keys(value).find((name) => !known.includes(name) && inside.has(name))
  if (unknown === undefined) return inside
  const path = inside.pathOf(unknown.slice(0, maxNameLength))
  throw refusal(path, `\`${path}\` is not supported.`, {
    why: 'Ignoring it would give a different answer than the one asked for.',
    do: known.length === 0 ? 'Leave it out.' : `Leave it out; ${known.join(', ')} are understood.`,
  })
}

/** Messages never echo a body. */
const maxNameLength = 40
