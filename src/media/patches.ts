// Pictures of one size to the rows the vision tower reads.

import { QvlError } from '../errors.js'
import type { Picture } from './pixels.js'

/** How the tower cuts its input. */
export interface PatchLayout {
  /** Side of a patch in pixels. */
  patchSize: number
  /** Frames of a patch. */
  temporalPatchSize: number
  /** Patches along one side of a token. */
  mergeSize: number
}

/** An image or a video, cut into patches. */
export interface Patches {
  /** Time, height and width in patches; time is 1 for an image. */
  grid: readonly [time: number, height: number, width: number]
  /**
   * [time · height · width, 3 · frames · side · side], from −1 to 1. Patches that become one token stand together; in a
   * patch come the channels, then the frames, then the rows.
   */
  pixels: Float32Array
}

const channels = 3

/** Every byte as the number the model reads: (byte / 255 − 0.5) / 0.5. */
const normalised = Float32Array.from({ length: 256 }, (_, byte) => (Math.fround(byte / 255) - 0.5) / 0.5)

/** An image: one picture, which stands for all frames of its patches. */
export const imagePatches = (picture: Picture, layout: PatchLayout): Patches => framePatches([picture], layout)

/** A video: the last frame is repeated until the frames fill their patches. */
export function framePatches(frames: readonly Picture[], layout: PatchLayout): Patches {
  const { patchSize, temporalPatchSize } = layout
  const [first] = frames
  if (first === undefined) throw new QvlError('INTERNAL', { what: 'A video without frames was cut into patches.' })
  const time = Math.ceil(frames.length / temporalPatchSize)
  const grid = [time, first.height / patchSize, first.width / patchSize] as const
  const pixels = new Float32Array(time * temporalPatchSize * first.rgb.length)
  let to = 0
  for (let t = 0; t < time; t++) {
    const group = Array.from(
      { length: temporalPatchSize },
      (_, i) => frames[Math.min(t * temporalPatchSize + i, frames.length - 1)]!,
    )
    forEachPatch(grid, layout.mergeSize, (row, column) => {
      to = writePatch(group, { top: row * patchSize, left: column * patchSize, side: patchSize }, pixels, to)
    })
  }
  return { grid, pixels }
}

/** Token by token in raster order, and so inside each token. */
function forEachPatch(
  [, height, width]: Patches['grid'],
  mergeSize: number,
  visit: (row: number, column: number) => void,
): void {
  for (let tokenRow = 0; tokenRow < height; tokenRow += mergeSize) {
    for (let tokenColumn = 0; tokenColumn < width; tokenColumn += mergeSize) {
      for (let row = tokenRow; row < tokenRow + mergeSize; row++) {
        for (let column = tokenColumn; column < tokenColumn + mergeSize; column++) visit(row, column)
      }
    }
  }
}

/** Returns where the next patch begins. */
function writePatch(
  frames: readonly Picture[],
  { top, left, side }: { top: number; left: number; side: number },
  pixels: Float32Array,
  start: number,
): number {
  let to = start
  for (let channel = 0; channel < channels; channel++) {
    for (const { rgb, width } of frames) {
      for (let row = top; row < top + side; row++) {
        let from = (row * width + left) * channels + channel
        for (let i = 0; i < side; i++, from += channels) pixels[to++] = normalised[rgb[from]!]!
      }
    }
  }
  return to
}
