// Images and videos of requests: from a reference to what the prompt and the vision tower need to know.

import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeImage, imageSize } from './decode.js'
import type { Patches, PatchLayout } from './patches.js'
import { PictureWorkers } from './picture-workers.js'
import type { Picture, Size } from './pixels.js'
import { frameLimits, frameListFps, pairTimes, sampleFile, sampleFrameList, type VideoSampling } from './sampling.js'
import { type PixelLimits, smartResize, tokenSide } from './smart-resize.js'
import { probeVideo, type VideoHeader, videoFormat, videoFrames } from './video-file.js'
import type { Visual } from './visual.js'

export interface MediaOptions {
  layout: PatchLayout
  /** What an image may measure. */
  image: PixelLimits
  sampling: VideoSampling
  /** Path or name of ffmpeg. */
  ffmpeg: string
  /** Threads that resize. */
  maxWorkers: number
  /** Gets the bytes behind a reference. */
  read(reference: string, kind: 'image' | 'video', signal?: AbortSignal): Promise<Uint8Array>
  /** Frees what `read` uses. */
  onClose?: () => Promise<void>
}

/** The scripts bring frames of a list to this size first, as if each were an image. */
const listFrameLimits: PixelLimits = { minPixels: 4 * tokenSide ** 2, maxPixels: 16_384 * tokenSide ** 2 }

export class Media implements AsyncDisposable {
  readonly #options: MediaOptions
  readonly #workers: PictureWorkers

  constructor(options: MediaOptions) {
    this.#options = options
    this.#workers = new PictureWorkers(options.maxWorkers)
  }

  /** Throws MEDIA_* for a reference that cannot be read or is no image. */
  async image(reference: string, signal?: AbortSignal): Promise<Visual> {
    const { image, layout, read } = this.#options
    const bytes = await read(reference, 'image', signal)
    const size = smartResize(await imageSize(bytes), image)
    return {
      kind: 'image',
      key: keyOf(['image', size.height, size.width], bytes),
      ...sizesOf(1, size, layout),
      times: [],
      patches: async (signal) => {
        const picture = await decodeImage(bytes)
        return this.#workers.run({ kind: 'image', picture, size, layout }, signal)
      },
    }
  }

  /** A file, or a list of frames. Throws MEDIA_*, and DEVICE_UNAVAILABLE for a file where ffmpeg is missing. */
  async video(
    reference: string | readonly string[],
    asked: Partial<VideoSampling> = {},
    signal?: AbortSignal,
  ): Promise<Visual> {
    const sampling = { ...this.#options.sampling, ...asked }
    return typeof reference === 'string'
      ? this.#videoFile(reference, sampling, signal)
      : this.#frameList(reference, sampling, signal)
  }

  /** Work that has not ended is rejected. */
  async close(): Promise<void> {
    await Promise.all([this.#workers.close(), this.#options.onClose?.()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #videoFile(reference: string, sampling: VideoSampling, signal?: AbortSignal): Promise<Visual> {
    const bytes = await this.#options.read(reference, 'video', signal)
    const format = videoFormat(bytes)
    // ffmpeg has to seek in most containers, which it can in a file only.
    const folder = await mkdtemp(join(tmpdir(), 'qvl-video-'))
    try {
      const file = join(folder, 'video')
      await writeFile(file, bytes, { signal })
      const header = await probeVideo(file, format, this.#options, signal)
      const indices = sampleFile(header.numFrames, header.fps, sampling)
      const size = smartResize(header, frameLimits(indices.length, sampling))
      const frames = await this.#framesOfFile(file, { format, header, indices, size }, signal)
      return this.#visual(keyOf(['video', ...indices, size.height, size.width], bytes), frames, {
        size,
        times: pairTimes(indices, header.fps),
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  /** Each frame is resized as soon as it is decoded, because together they would take gigabytes. */
  async #framesOfFile(
    file: string,
    video: { format: string; header: VideoHeader; indices: readonly number[]; size: Size },
    signal?: AbortSignal,
  ): Promise<Picture[]> {
    const { format, header, indices, size } = video
    const frames: Promise<Picture>[] = []
    for await (const picture of videoFrames(file, { format, indices, size: header }, this.#options, signal)) {
      frames.push(this.#workers.run({ kind: 'frame', picture, stillSize: undefined, size }, signal))
      // One more than are being resized may wait.
      if (frames.length > this.#options.maxWorkers) await frames[frames.length - 1 - this.#options.maxWorkers]
    }
    return Promise.all(frames)
  }

  async #frameList(references: readonly string[], sampling: VideoSampling, signal?: AbortSignal): Promise<Visual> {
    const { read, layout } = this.#options
    const chosen = sampleFrameList(references.length, sampling.maxFrames).map((index) => references[index]!)
    const files = await Promise.all(chosen.map((reference) => read(reference, 'image', signal)))
    const padded = Math.ceil(files.length / layout.temporalPatchSize) * layout.temporalPatchSize
    const stillSize = smartResize(await imageSize(files[0]!), listFrameLimits)
    const size = smartResize(stillSize, frameLimits(padded, sampling))
    const frames: Picture[] = []
    for (const file of files) {
      const picture = await decodeImage(file)
      frames.push(await this.#workers.run({ kind: 'frame', picture, stillSize, size }, signal))
    }
    return this.#visual(keyOf(['frames', size.height, size.width], ...files), frames, {
      size,
      times: pairTimes([...Array(padded).keys()], frameListFps),
    })
  }

  #visual(key: string, frames: readonly Picture[], { size, times }: { size: Size; times: readonly number[] }): Visual {
    const { layout } = this.#options
    return {
      kind: 'video',
      key,
      ...sizesOf(times.length, size, layout),
      times,
      patches: (signal): Promise<Patches> => {
        // The worker takes the memory of what it is given, and these frames may be asked for again.
        const copies = frames.map((frame) => ({ ...frame, rgb: frame.rgb.slice() }))
        return this.#workers.run({ kind: 'video', frames: copies, layout }, signal)
      },
    }
  }
}

function sizesOf(
  time: number,
  { height, width }: Size,
  { patchSize, mergeSize }: PatchLayout,
): Pick<Visual, 'grid' | 'tokens'> {
  const patches = { height: height / patchSize, width: width / patchSize }
  return {
    grid: [time, patches.height, patches.width],
    tokens: { height: patches.height / mergeSize, width: patches.width / mergeSize },
  }
}

function keyOf(how: readonly (string | number)[], ...files: readonly Uint8Array[]): string {
  const hash = createHash('sha256').update(how.join(' '))
  for (const file of files) hash.update(`\n${file.length}\n`).update(file)
  return hash.digest('hex')
}
