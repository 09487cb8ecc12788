// The arithmetic on pictures, as plain data in and out, so that a worker thread can do it.

import { resizeFrame, resizeStill } from './bicubic.js'
import { framePatches, imagePatches, type Patches, type PatchLayout } from './patches.js'
import type { Picture, Size } from './pixels.js'

export type PictureWork =
  /** A still picture resized and cut into patches. */
  | { kind: 'image'; picture: Picture; size: Size; layout: PatchLayout }
  /** The same, not cut. */
  | { kind: 'still'; picture: Picture; size: Size }
  /** A frame resized: one of a list goes through the size of a still picture first. */
  | { kind: 'frame'; picture: Picture; stillSize: Size | undefined; size: Size }
  /** Frames of one size cut into patches. */
  | { kind: 'video'; frames: readonly Picture[]; layout: PatchLayout }

export type PictureResult<Work extends PictureWork> = Work extends { kind: 'frame' | 'still' } ? Picture : Patches

export function doPictureWork(work: PictureWork): Picture | Patches {
  switch (work.kind) {
    case 'image':
      return imagePatches(resizeStill(work.picture, work.size), work.layout)
    case 'still':
      return resizeStill(work.picture, work.size)
    case 'frame': {
      const still = work.stillSize === undefined ? work.picture : resizeStill(work.picture, work.stillSize)
      return resizeFrame(still, work.size)
    }
    case 'video':
      return framePatches(work.frames, work.layout)
    default:
      return work satisfies never
  }
}

/** The memory of what goes over, so that it moves instead of being copied. */
export function buffersOfWork(work: PictureWork): ArrayBuffer[] {
  return work.kind === 'video' ? work.frames.map(wholeBuffer) : [wholeBuffer(work.picture)]
}

export const buffersOfResult = (result: Picture | Patches): ArrayBuffer[] => [
  'rgb' in result ? wholeBuffer(result) : (result.pixels.buffer as ArrayBuffer),
]

/** A buffer that others look at cannot move: decoders hand out pieces of larger ones. */
function wholeBuffer(picture: Picture): ArrayBuffer {
  const { buffer, byteLength } = picture.rgb
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) return buffer
  const copy = picture.rgb.slice()
  picture.rgb = copy
  return copy.buffer
}
