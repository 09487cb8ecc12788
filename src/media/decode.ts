// Encoded images to red, green and blue bytes, as Pillow gives them to the reference.

import { setImmediate as nextTurn } from 'node:timers/promises'
import sharp, { type Sharp } from 'sharp'
import { QvlError } from '../errors.js'
import { cmykToRgb } from './cmyk.js'
import type { Picture, Size } from './pixels.js'
import { imageFormat } from './sniff.js'

/** Of one image before it is resized; a small file can declare billions. */
export const maxImagePixels = 64 * 1024 * 1024

interface Header extends Size {
  isCmyk: boolean
  /** How its transparency is taken away: the reference lays RGBA on white, and drops the alpha of other modes. */
  alpha: 'none' | 'drop' | 'white'
}

/** The size of an image, from its header alone. Throws MEDIA_INVALID, MEDIA_FORMAT and MEDIA_TOO_LARGE. */
export async function imageSize(bytes: Uint8Array): Promise<Size> {
  const { height, width } = await readHeader(bytes)
  return { height, width }
}

/**
 * Decode an image: the first frame where there are several, without EXIF rotation and without colour profile, as
 * `Image.open(…).convert("RGB")` does. Runs on libvips' threads. Throws as `imageSize`.
 */
export async function decodeImage(bytes: Uint8Array): Promise<Picture> {
  const { alpha, isCmyk } = await readHeader(bytes)
  if (isCmyk) return decodeCmyk(bytes)
  const pipeline = open(bytes).toColourspace('srgb')
  const oriented = alpha === 'drop' ? pipeline.removeAlpha() : pipeline
  const { data, info } = await decoding(oriented.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }))
  const rgb = info.channels === 4 ? await onWhite(data) : data
  return { height: info.height, width: info.width, rgb }
}

/**
 * The inks as they are: libvips would take them through a profile of its own. It turns the values of every CMYK JPEG over,
 * as if Adobe had made it, and so does Pillow.
 */
async function decodeCmyk(bytes: Uint8Array): Promise<Picture> {
  const pipeline = open(bytes).pipelineColourspace('cmyk').toColourspace('cmyk')
  const { data, info } = await decoding(pipeline.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }))
  return { height: info.height, width: info.width, rgb: await cmykToRgb(data) }
}

async function readHeader(bytes: Uint8Array): Promise<Header> {
  const format = imageFormat(bytes)
  const { width, height, space, depth, hasAlpha, isPalette } = await decoding(open(bytes).metadata())
  if (width * height > maxImagePixels) throw tooManyPixels({ width, height })
  if (depth === 'ushort' && (space === 'grey16' || space === 'b-w')) throw deepGrey()
  const isRgba = format !== 'gif' && hasAlpha && !isPalette && space !== 'b-w'
  return { width, height, isCmyk: space === 'cmyk', alpha: isRgba ? 'white' : hasAlpha ? 'drop' : 'none' }
}

const open = (bytes: Uint8Array): Sharp =>
  sharp(bytes, { failOn: 'error', limitInputPixels: maxImagePixels, pages: 1, ignoreIcc: true, sequentialRead: true })

/** The decoder's words stay in the cause: one of them leaked an address once (CVE-2026-22778). */
async function decoding<Result>(work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (cause) {
    if (cause instanceof Error && /pixel limit/.test(cause.message)) throw tooManyPixels()
    throw new QvlError('MEDIA_INVALID', {
      what: 'The image cannot be read.',
      why: 'It is damaged or cut off.',
      do: 'Save it again as PNG, JPEG, WebP or GIF.',
      cause,
    })
  }
}

/** Pillow's `paste` with the alpha channel as mask: products of bytes divided by 255 and rounded. */
async function onWhite(rgba: Uint8Array): Promise<Uint8Array> {
  const rgb = new Uint8Array((rgba.length / 4) * 3)
  for (let start = 0; start < rgba.length; start += 4 * pixelsPerTurn) {
    layOnWhite(rgba, rgb, { start, end: Math.min(start + 4 * pixelsPerTurn, rgba.length) })
    await nextTurn()
  }
  return rgb
}

/** Pixels before the event loop gets a turn: a few milliseconds of work. */
const pixelsPerTurn = 512 * 1024

function layOnWhite(rgba: Uint8Array, rgb: Uint8Array, { start, end }: { start: number; end: number }): void {
  for (let from = start, to = (start / 4) * 3; from < end; from += 4, to += 3) {
    const alpha = rgba[from + 3]!
    for (let channel = 0; channel < 3; channel++) {
      const sum = rgba[from + channel]! * alpha + 255 * (255 - alpha) + 128
      rgb[to + channel] = (sum + (sum >> 8)) >> 8
    }
  }
}

function tooManyPixels(size?: Size): QvlError {
  return new QvlError('MEDIA_TOO_LARGE', {
    what: size === undefined ? 'The image is too large.' : `The image is ${size.width} by ${size.height} pixels.`,
    why: `At most ${maxImagePixels} pixels are decoded; the model looks at fewer than two million.`,
    do: 'Send it smaller.',
  })
}

function deepGrey(): QvlError {
  return new QvlError('MEDIA_INVALID', {
    what: 'The image cannot be read.',
    why: 'It is grey with 16 bits, which has no one meaning on a screen.',
    do: 'Save it as RGB or 8-bit grey.',
  })
}
