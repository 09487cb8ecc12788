// Images and videos of requests: from a reference to what the prompt and the vision tower need to know.

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
import { keyOf } from './visual-key.js'

/** A reference, or the content of the file that it stood for. */
export type MediaSource = string | Uint8Array

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
  async image(source: MediaSource, asked: Partial<PixelLimits> = {}, signal?: AbortSignal): Promise<Visual> {
    const { image, layout } = this.#options
    const bytes = await this.#bytesOf(source, 'image', signal)
    const size = smartResize(await imageSize(bytes), { ...image, ...asked })
    return {
      kind: 'image',
      key: await keyOf(['image', size.height, size.width], [bytes], signal),
      ...sizesOf(1, size, layout),
      times: [],
      numBytes: bytes.length,
      patches: async (signal) => {
        const picture = await decodeImage(bytes)
        return this.#workers.run({ kind: 'image', picture, size, layout }, signal)
      },
      pictures: async (signal) => {
        const picture = await decodeImage(bytes)
        return [await this.#workers.run({ kind: 'still', picture, size }, signal)]
      },
    }
  }

  /** A file, or a list of frames. Throws MEDIA_*, and DEVICE_UNAVAILABLE for a file where ffmpeg is missing. */
  async video(
    source: MediaSource | readonly MediaSource[],
    asked: Partial<VideoSampling> = {},
    signal?: AbortSignal,
  ): Promise<Visual> {
    const sampling = { ...this.#options.sampling, ...asked }
    return isFrameList(source) ? this.#frameList(source, sampling, signal) : this.#videoFile(source, sampling, signal)
  }

  /** Work that has not ended is rejected. */
  async close(): Promise<void> {
    await Promise.all([this.#workers.close(), this.#options.onClose?.()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #bytesOf(source: MediaSource, kind: 'image' | 'video', signal?: AbortSignal): Promise<Uint8Array> {
    return typeof source === 'string' ? this.#options.read(source, kind, signal) : source
  }

  async #videoFile(source: MediaSource, sampling: VideoSampling, signal?: AbortSignal): Promise<Visual> {
    const bytes = await this.#bytesOf(source, 'video', signal)
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
      return this.#visual(await keyOf(['video', ...indices, size.height, size.width], [bytes], signal), frames, {
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

  async #frameList(sources: readonly MediaSource[], sampling: VideoSampling, signal?: AbortSignal): Promise<Visual> {
    const { layout } = this.#options
    const chosen = sampleFrameList(sources.length, sampling.maxFrames).map((index) => sources[index]!)
    const files = await Promise.all(chosen.map((source) => this.#bytesOf(source, 'image', signal)))
    const padded = Math.ceil(files.length / layout.temporalPatchSize) * layout.temporalPatchSize
    const stillSize = smartResize(await imageSize(files[0]!), listFrameLimits)
    const size = smartResize(stillSize, frameLimits(padded, sampling))
    const frames: Picture[] = []
    for (const file of files) {
      signal?.throwIfAborted()
      const picture = await decodeImage(file)
      frames.push(await this.#workers.run({ kind: 'frame', picture, stillSize, size }, signal))
    }
    return this.#visual(await keyOf(['frames', size.height, size.width], files, signal), frames, {
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
      numBytes: frames.reduce((sum, { rgb }) => sum + rgb.length, 0),
      patches: (signal): Promise<Patches> => {
        // The worker takes the memory of what it is given, and these frames may be asked for again.
        const copies = frames.map((frame) => ({ ...frame, rgb: frame.rgb.slice() }))
        return this.#workers.run({ kind: 'video', frames: copies, layout }, signal)
      },
      pictures: async () => frames,
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

const isFrameList = (source: MediaSource | readonly MediaSource[]): source is readonly MediaSource[] =>
  Array.isArray(source)
