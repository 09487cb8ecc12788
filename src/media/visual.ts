// An image or a video of a request: its size in tokens at once, its patches when they are needed.

import type { Patches } from './patches.js'

export interface Visual {
  kind: 'image' | 'video'
  /** Hash of the content and of how it is prepared: equal keys give equal patches. */
  key: string
  /** Time, height and width in patches. */
  grid: Patches['grid']
  /** Of a video: seconds at the middle of each pair of frames. */
  times: readonly number[]
  /** Decodes, resizes and cuts; not kept, because patches take many times the memory of the file. */
  patches(signal?: AbortSignal): Promise<Patches>
}
