// Which frames of a video are looked at, when they were, and how large they may be: qwen-vl-utils, with the budget of the
// official scripts for the whole video.

import { QvlError } from '../errors.js'
import { type PixelLimits, roundHalfEven, tokenSide } from './smart-resize.js'

export interface VideoSampling {
  /** Frames per second looked at. */
  fps: number
  minFrames: number
  maxFrames: number
  /** Pixels of all frames together. */
  totalPixels: number
}

/** The official scripts. The budget is 7,680 tokens, two frames each, which leaves room in 8,192. */
export const officialSampling: VideoSampling = {
  fps: 1,
  minFrames: 4,
  maxFrames: 64,
  totalPixels: 7680 * tokenSide ** 2,
}

/** A list of frames says nothing of its rate; the scripts take it for this. */
export const frameListFps = 2

const framesPerPatch = 2

/** Between 128 and 768 tokens for a pair of frames, counted on one frame. */
const minFramePixels = 128 * tokenSide ** 2
const maxFramePixels = 768 * tokenSide ** 2
/** A long video's frames may still be a little larger than the smallest. */
const leastMaxFramePixels = Math.trunc(minFramePixels * 1.05)

/** Indices into a file's frames. Throws MEDIA_INVALID for a video of fewer than two. */
export function sampleFile(numFrames: number, fps: number, sampling: VideoSampling): number[] {
  const max = even(Math.floor, Math.min(sampling.maxFrames, numFrames))
  const min = even(Math.ceil, sampling.minFrames)
  const wanted = (numFrames / fps) * sampling.fps
  const count = even(Math.floor, Math.min(Math.max(wanted, min), max, numFrames))
  if (count < framesPerPatch) throw tooFewFrames(numFrames)
  return linspace(numFrames - 1, count).map(roundHalfEven)
}

/** Indices into a list of frames: all of them, or as many as allowed, spread evenly and rounded down. */
export function sampleFrameList(numFrames: number, maxFrames: number): number[] {
  if (numFrames <= maxFrames) return Array.from({ length: numFrames }, (_, i) => i)
  return linspace(numFrames - 1, maxFrames).map(Math.trunc)
}

/** Seconds of each pair of frames: the middle between the two. An odd last frame is its own partner. */
export function pairTimes(indices: readonly number[], fps: number): number[] {
  const pairs = Math.ceil(indices.length / framesPerPatch)
  return Array.from({ length: pairs }, (_, pair) => {
    const first = indices[2 * pair]!
    const second = indices[2 * pair + 1] ?? first
    return (first / fps + second / fps) / 2
  })
}

/** What the frames of a video may measure, each. */
export function frameLimits(numFrames: number, { totalPixels }: VideoSampling): PixelLimits {
  const share = (totalPixels / numFrames) * framesPerPatch
  return { minPixels: minFramePixels, maxPixels: Math.max(Math.min(maxFramePixels, share), leastMaxFramePixels) }
}

/**
 * A time as Python's `%.1f` writes it: exact ties, such as 0.25, go to the even digit. JavaScript's toFixed rounds them up.
 */
export function oneDecimal(seconds: number): string {
  const isTie = Number.isInteger(4 * seconds) && !Number.isInteger(2 * seconds)
  return (isTie ? roundHalfEven(10 * seconds) / 10 : seconds).toFixed(1)
}

/** `count` places from 0 to `end`, in float32 and from both ends towards the middle, as torch.linspace does. */
function linspace(end: number, count: number): number[] {
  if (count === 1) return [0]
  const step = Math.fround(end / (count - 1))
  return Array.from({ length: count }, (_, i) =>
    i < count / 2 ? Math.fround(step * i) : Math.fround(end - Math.fround(step * (count - 1 - i))),
  )
}

const even = (round: (value: number) => number, count: number): number => round(count / 2) * 2

function tooFewFrames(numFrames: number): QvlError {
  return new QvlError('MEDIA_INVALID', {
    what: `The video has ${numFrames} frame${numFrames === 1 ? '' : 's'}.`,
    why: 'The model looks at pairs of frames.',
    do: 'Send a longer video, or the frame as an image.',
  })
}
