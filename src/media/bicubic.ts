// Bicubic resizing, bit for bit as the reference does it: Pillow for still pictures, torchvision for video frames.
//
// Both use the same kernel (a = −0.5, widened when shrinking) and go along the rows first. Pillow works in fixed point
// and rounds to bytes after each pass; torchvision works in floats and rounds once, half to even.

import type { Picture, Size } from './pixels.js'
import { roundHalfEven } from './smart-resize.js'

/** Pillow's fixed point: 32 bits, less 8 for the pixel and 2 for the sum (Resample.c, PRECISION_BITS). */
const fixedOne = 2 ** 22

const channels = 3

/** As Pillow's `Image.resize` with its default filter. */
export function resizeStill(picture: Picture, { height, width }: Size): Picture {
  // Sums of products of bytes and fixed-point weights are whole numbers below 2^53, so doubles hold them exactly.
  const toByte = (sum: number): number => clip(Math.floor(sum / fixedOne + 0.5))
  let { rgb } = picture
  if (width !== picture.width) {
    const out = new Uint8Array(picture.height * width * channels)
    alongRows(rgb, picture, fixedPoint(taps(picture.width, width)), out, toByte)
    rgb = out
  }
  if (height !== picture.height) {
    const out = new Uint8Array(height * width * channels)
    alongColumns(rgb, { height: picture.height, width }, fixedPoint(taps(picture.height, height)), out, toByte)
    rgb = out
  }
  return { height, width, rgb }
}

/** As torchvision's `resize` of a tensor of bytes, bicubic and antialiased. */
export function resizeFrame(picture: Picture, { height, width }: Size): Picture {
  if (height === picture.height && width === picture.width) return picture
  const rows = new Float64Array(picture.height * width * channels)
  alongRows(picture.rgb, picture, taps(picture.width, width), rows, (sum) => sum)
  const rgb = new Uint8Array(height * width * channels)
  const toByte = (sum: number): number => clip(roundHalfEven(sum))
  alongColumns(rows, { height: picture.height, width }, taps(picture.height, height), rgb, toByte)
  return { height, width, rgb }
}

/** For each place of the result: the first place of the source that counts, and the weights from there on. */
interface Taps {
  first: Int32Array
  weights: readonly Float64Array[]
}

function taps(from: number, to: number): Taps {
  const scale = from / to
  const spread = Math.max(scale, 1)
  const support = 2 * spread
  const first = new Int32Array(to)
  const weights = Array.from({ length: to }, (_, place) => {
    const center = (place + 0.5) * scale
    const start = Math.max(0, Math.trunc(center - support + 0.5))
    const end = Math.min(from, Math.trunc(center + support + 0.5))
    first[place] = start
    const raw = Float64Array.from({ length: end - start }, (_, i) => cubic((i + start - center + 0.5) / spread))
    const sum = raw.reduce((total, weight) => total + weight, 0)
    return raw.map((weight) => weight / sum)
  })
  return { first, weights }
}

function cubic(distance: number): number {
  const a = -0.5
  const x = Math.abs(distance)
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a
  return 0
}

/** Weights as whole numbers, rounded away from zero at a half. */
function fixedPoint({ first, weights }: Taps): Taps {
  const round = (weight: number): number => Math.trunc(weight * fixedOne + (weight < 0 ? -0.5 : 0.5))
  return { first, weights: weights.map((each) => each.map(round)) }
}

type Samples = Uint8Array | Float64Array

function alongRows(
  source: Uint8Array,
  { height, width }: Size,
  { first, weights }: Taps,
  out: Samples,
  finish: (sum: number) => number,
): void {
  let to = 0
  for (let row = 0; row < height; row++) {
    for (let place = 0; place < weights.length; place++) {
      const line = weights[place]!
      let from = (row * width + first[place]!) * channels
      let [red, green, blue] = [0, 0, 0]
      for (let i = 0; i < line.length; i++, from += channels) {
        const weight = line[i]!
        red += source[from]! * weight
        green += source[from + 1]! * weight
        blue += source[from + 2]! * weight
      }
      out[to++] = finish(red)
      out[to++] = finish(green)
      out[to++] = finish(blue)
    }
  }
}

/** Whole rows at a time, because a column's pixels lie far apart. */
function alongColumns(
  source: Samples,
  { width }: Size,
  { first, weights }: Taps,
  out: Uint8Array,
  finish: (sum: number) => number,
): void {
  const rowLength = width * channels
  const sums = new Float64Array(rowLength)
  for (let place = 0; place < weights.length; place++) {
    sums.fill(0)
    weights[place]!.forEach((weight, i) => {
      const from = (first[place]! + i) * rowLength
      for (let at = 0; at < rowLength; at++) sums[at]! += source[from + at]! * weight
    })
    for (let at = 0; at < rowLength; at++) out[place * rowLength + at] = finish(sums[at]!)
  }
}

const clip = (value: number): number => Math.min(255, Math.max(0, value))
