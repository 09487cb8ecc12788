// An image or a video of a request: what the prompt needs to know of it at once, its patches when they are needed.

import type { Patches } from './patches.js'
import type { Picture } from './pixels.js'

/** Plain data, which can cross to another thread. */
export interface VisualFacts {
  kind: 'image' | 'video'
  /** Hash of the content and of how it is prepared: equal keys give equal patches. */
  key: string
  /** Time, height and width in patches. */
  grid: Patches['grid']
  /** Rows and columns of tokens of an image, or of one pair of frames. */
  tokens: { height: number; width: number }
  /** Of a video: seconds at the middle of each pair of frames. */
  times: readonly number[]
}

export interface Visual extends VisualFacts {
  /** Memory that it takes until its patches are made. */
  numBytes: number
  /** What errors call it. */
  param?: string | undefined
  /** Decodes, resizes and cuts; not kept, because patches take many times the memory of the file. */
  patches(signal?: AbortSignal): Promise<Patches>
  /** What `patches` cuts: the image, or the frames of a video, in the size that the model looks at. */
  pictures(signal?: AbortSignal): Promise<readonly Picture[]>
}
