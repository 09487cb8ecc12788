// Which size a picture is brought to: whole tokens on both sides, near its shape, within a budget of pixels.

import { QvlError } from '../errors.js'
import type { Size } from './pixels.js'

export interface PixelLimits {
  minPixels: number
  maxPixels: number
}

/** Side of a token in pixels: two patches of 16. */
export const tokenSide = 32

/** The official scripts: 4 to 1,800 tokens for an image. */
export const imageLimits: PixelLimits = { minPixels: 4 * tokenSide ** 2, maxPixels: 1800 * tokenSide ** 2 }

/** qwen-vl-utils refuses longer strips. */
const maxAspectRatio = 200

/**
 * Rounds both sides to whole tokens, half to even as Python does, then shrinks or enlarges by the area where the budget
 * asks for it (qwen-vl-utils, smart_resize). Throws MEDIA_INVALID for an aspect ratio above 200.
 */
export function smartResize({ height, width }: Size, { minPixels, maxPixels }: PixelLimits): Size {
  if (Math.max(height, width) / Math.min(height, width) > maxAspectRatio) throw tooLong({ height, width })
  const rounded = {
    height: Math.max(tokenSide, roundHalfEven(height / tokenSide) * tokenSide),
    width: Math.max(tokenSide, roundHalfEven(width / tokenSide) * tokenSide),
  }
  const area = rounded.height * rounded.width
  if (area > maxPixels) {
    const shrink = Math.sqrt((height * width) / maxPixels)
    const fit = (side: number): number => Math.floor(side / shrink / tokenSide) * tokenSide
    // A strip may shrink to nothing on its short side; transformers keeps one token.
    return { height: Math.max(tokenSide, fit(height)), width: Math.max(tokenSide, fit(width)) }
  }
  if (area < minPixels) {
    const enlarge = Math.sqrt(minPixels / (height * width))
    const fit = (side: number): number => Math.ceil((side * enlarge) / tokenSide) * tokenSide
    return { height: fit(height), width: fit(width) }
  }
  return rounded
}

export function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

function tooLong({ height, width }: Size): QvlError {
  return new QvlError('MEDIA_INVALID', {
    what: `The picture is ${width} by ${height} pixels.`,
    why: `One side is more than ${maxAspectRatio} times the other, and the model was not trained on such strips.`,
    do: 'Crop the picture, or cut it into pieces.',
  })
}
