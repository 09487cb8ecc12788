import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { Media } from '#qvl/media/media.js'
import { officialSampling, oneDecimal } from '#qvl/media/sampling.js'
import { imageLimits } from '#qvl/media/smart-resize.js'
import { probeVideo, videoFormat, videoFrames } from '#qvl/media/video-file.js'
import { hasFfmpeg } from '../support/ffmpeg.js'
import { bytes, floats, goldenPath, maxDifference, readGolden, type StoredArray } from '../support/golden.js'

const tools = { ffmpeg: 'ffmpeg' }
const layout = { patchSize: 16, temporalPatchSize: 2, mergeSize: 2 }
const media = new Media({
  layout,
  image: imageLimits,
  sampling: officialSampling,
  ffmpeg: tools.ffmpeg,
  maxWorkers: 2,
  read: (reference) => readFile(goldenPath(`media/${reference}`)),
})
afterAll(() => media.close())

describe('images', () => {
  interface PixelCase {
    grid_thw: number[]
    pixel_values: StoredArray
  }
  const { images } = readGolden<{ images: Record<string, PixelCase> }>('qwen3-vl-embedding/pixel_values.json')

  it.each(Object.entries(images))('%s: from the file to the pixels of the reference', async (file, golden) => {
    const visual = await media.image(file)
    expect(visual.grid).toEqual(golden.grid_thw)
    const patches = await visual.patches()
    expect(patches.grid).toEqual(golden.grid_thw)
    expect(maxDifference(patches.pixels, floats(golden.pixel_values))).toBeLessThan(1e-6)
  })

  it('equal content has equal keys, and patches can be asked for again', async () => {
    const [first, again, other] = await Promise.all(
      ['rgb_48x48.png', 'rgb_48x48.png', 'la_96x64.png'].map((file) => media.image(file)),
    )
    expect(first!.key).toBe(again!.key)
    expect(first!.key).not.toBe(other!.key)
    expect((await first!.patches()).pixels).toEqual((await first!.patches()).pixels)
  })

  it('a cancelled image is not computed, and the next one is', async () => {
    const visual = await media.image('rgb_640x427.webp')
    const reason = new Error('the client left')
    await expect(visual.patches(AbortSignal.abort(reason))).rejects.toBe(reason)
    expect((await visual.patches()).grid[0]).toBe(1)
  })
})

interface VideoTrace {
  video: string | string[]
  video_grid_thw: number[][]
  pixel_values_first_rows: StoredArray
  pixel_values_last_rows: StoredArray
  pixel_values_row_mean: StoredArray
}
const traces = readGolden<{ cases: Record<string, VideoTrace> }>('qwen3-vl-embedding/video_trace.json').cases

async function checkVideo({ video, video_grid_thw, ...golden }: VideoTrace): Promise<void> {
  const visual = await media.video(video)
  expect(visual.grid).toEqual(video_grid_thw[0])
  const { pixels } = await visual.patches()
  const first = floats(golden.pixel_values_first_rows)
  const last = floats(golden.pixel_values_last_rows)
  expect(maxDifference(pixels.subarray(0, first.length), first)).toBeLessThan(1e-6)
  expect(maxDifference(pixels.subarray(pixels.length - last.length), last)).toBeLessThan(1e-6)
  const width = 1536
  const means = floats(golden.pixel_values_row_mean).map((_, row) => {
    const values = pixels.subarray(row * width, (row + 1) * width)
    return values.reduce((sum, value) => sum + value, 0) / width
  })
  // torchvision adds in float32, so that a sum near a half may round to the other byte: in at most one element of a
  // thousand, by one level. A level moves the mean of a row by this much.
  const level = 1 / 127.5 / width
  const golds = floats(golden.pixel_values_row_mean)
  const levels = means.reduce((sum, mean, row) => sum + Math.abs(mean - golds[row]!) / level, 0)
  expect(levels / pixels.length).toBeLessThan(0.001)
  expect(maxDifference(means, golds)).toBeLessThan(20 * level)
}

describe('videos', () => {
  it('a list of frames has the pixels of the reference', () => checkVideo(traces.frames!))

  it.runIf(hasFfmpeg)('a file has the pixels of the reference', () => checkVideo(traces.file!))

  it.runIf(hasFfmpeg)('a file is sampled as asked', async () => {
    const visual = await media.video('clip_lossless_96x64.mp4', { fps: 2, maxFrames: 8 })
    expect(visual.times.map(oneDecimal)).toEqual(['0.5', '2.5', '4.4', '6.4'])
  })

  interface VideoCase {
    file: string
    frames: number
    fps: number
    size: [number, number]
    frame_sha256: string[] | null
    sample: { index: number; rgb: StoredArray }[]
  }
  const { videos } = readGolden<{ videos: VideoCase[] }>('standalone/video_decode.json')

  it.runIf(hasFfmpeg).each(videos)('$file: every frame', async ({ file, frames, fps, size, frame_sha256, sample }) => {
    const path = goldenPath(`media/${file}`)
    const format = videoFormat(await readFile(path))
    const header = await probeVideo(path, format, tools)
    expect(header).toEqual({ width: size[0], height: size[1], numFrames: frames, fps })
    const indices = [...Array(frames).keys()]
    const decoded = []
    for await (const frame of videoFrames(path, { format, indices, size: header }, tools)) decoded.push(frame)
    expect(decoded).toHaveLength(frames)
    if (frame_sha256 !== null) {
      const hashes = decoded.map(({ rgb }) => createHash('sha256').update(rgb).digest('hex'))
      expect(hashes).toEqual(frame_sha256)
    }
    // The conversion of 4:2:0 to RGB differs by a few levels between decoders.
    for (const { index, rgb } of sample) {
      expect(maxDifference(decoded[index]!.rgb, bytes(rgb))).toBeLessThanOrEqual(frame_sha256 === null ? 12 : 0)
    }
  })

  it.runIf(hasFfmpeg)('a damaged file is refused, and so is no video at all', async () => {
    await expect(media.video('rgb_48x48.png')).rejects.toMatchObject({ code: 'MEDIA_FORMAT' })
    const cut = new Media({
      layout,
      image: imageLimits,
      sampling: officialSampling,
      ffmpeg: tools.ffmpeg,
      maxWorkers: 1,
      read: async () => (await readFile(goldenPath('media/clip_lossless_96x64.mp4'))).subarray(0, 2000),
    })
    await expect(cut.video('cut')).rejects.toMatchObject({ code: 'MEDIA_INVALID' })
    await cut.close()
  })

  it('a missing ffmpeg is named', async () => {
    const path = goldenPath('media/clip_lossless_96x64.mp4')
    const missing = probeVideo(path, 'mov', { ffmpeg: '/nowhere/ffmpeg' })
    await expect(missing).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' })
  })
})
