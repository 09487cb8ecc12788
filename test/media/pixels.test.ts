import { describe, expect, it } from 'vitest'
import { resizeFrame, resizeStill } from '#qvl/media/bicubic.js'
import { imagePatches } from '#qvl/media/patches.js'
import {
  frameLimits,
  officialSampling,
  oneDecimal,
  pairTimes,
  sampleFile,
  sampleFrameList,
} from '#qvl/media/sampling.js'
import { smartResize } from '#qvl/media/smart-resize.js'
import { bytes, floats, maxDifference, readGolden, type StoredArray } from '../support/golden.js'

const pictureOf = (stored: StoredArray) => {
  const [height, width] = stored.shape
  return { height: height!, width: width!, rgb: bytes(stored) }
}

describe('the size of a picture', () => {
  interface SizeCase {
    height: number
    width: number
    min_pixels: number
    max_pixels: number
    result: [number, number]
    video?: true
    frames?: number
    total_pixels?: number | null
  }
  const { cases } = readGolden<{ cases: SizeCase[] }>('standalone/smart_resize.json')

  it.each(cases)(
    '$width x $height, $min_pixels to $max_pixels',
    ({ height, width, min_pixels, max_pixels, result }) => {
      const size = smartResize({ height, width }, { minPixels: min_pixels, maxPixels: max_pixels })
      expect([size.height, size.width]).toEqual(result)
    },
  )

  it.each(cases.filter(({ total_pixels }) => total_pixels))(
    'of $frames frames of $width x $height: the budget',
    ({ frames, max_pixels, min_pixels, total_pixels }) => {
      const limits = frameLimits(frames!, { ...officialSampling, totalPixels: total_pixels! })
      expect(limits).toEqual({ minPixels: min_pixels, maxPixels: max_pixels })
    },
  )

  it('refuses strips', () => {
    const limits = { minPixels: 4096, maxPixels: 1843200 }
    expect(() => smartResize({ height: 20000, width: 1 }, limits)).toThrowError(/20000|200/)
    expect(() => smartResize({ height: 10, width: 2000 }, limits)).not.toThrow()
    expect(() => smartResize({ height: 10, width: 2001 }, limits)).toThrowError(/2001 by 10/)
  })
})

describe('bicubic resizing', () => {
  interface ResizeCase {
    id: string
    size_out: [number, number]
    input: StoredArray
    pil_bicubic: StoredArray
    torchvision_bicubic_antialias_uint8: StoredArray
  }
  const { cases } = readGolden<{ cases: ResizeCase[] }>('standalone/resize_bicubic.json')

  it.each(cases)('$id: stills are those of Pillow, byte for byte', ({ input, pil_bicubic }) => {
    const golden = pictureOf(pil_bicubic)
    const resized = resizeStill(pictureOf(input), golden)
    expect(Buffer.compare(resized.rgb, golden.rgb)).toBe(0)
  })

  it.each(cases)('$id: frames are those of torchvision, byte for byte', (example) => {
    const golden = pictureOf(example.torchvision_bicubic_antialias_uint8)
    const resized = resizeFrame(pictureOf(example.input), golden)
    expect(Buffer.compare(resized.rgb, golden.rgb)).toBe(0)
  })
})

describe('patches', () => {
  interface PixelCase {
    resized_rgb: StoredArray
    grid_thw: number[]
    pixel_values: StoredArray
  }
  const { images } = readGolden<{ images: Record<string, PixelCase> }>('qwen3-vl-embedding/pixel_values.json')

  it.each(Object.entries(images))('%s: order and values', (_, { resized_rgb, grid_thw, pixel_values }) => {
    const patches = imagePatches(pictureOf(resized_rgb), { patchSize: 16, temporalPatchSize: 2, mergeSize: 2 })
    expect(patches.grid).toEqual(grid_thw)
    expect(maxDifference(patches.pixels, floats(pixel_values))).toBeLessThan(1e-6)
  })
})

describe('sampling of video frames', () => {
  interface FileCase {
    total_frames: number
    video_fps: number
    fps: number
    max_frames: number
    indices?: number[]
    timestamps?: number[]
    labels?: string[]
    error?: string
  }
  interface ListCase {
    frames: number
    max_frames: number
    selected: number[]
    padded_count: number
    labels: string[]
  }
  const golden = readGolden<{ file: FileCase[]; frame_list: ListCase[] }>('standalone/video_sampling.json')
  const label = (seconds: number): string => `<${oneDecimal(seconds)} seconds>`

  it.each(golden.file)('$total_frames frames at $video_fps, $fps a second, at most $max_frames', (example) => {
    const sampling = { ...officialSampling, fps: example.fps, maxFrames: example.max_frames }
    const sample = () => sampleFile(example.total_frames, example.video_fps, sampling)
    if (example.error !== undefined) {
      expect(sample).toThrowError(/1 frame/)
      return
    }
    expect(sample()).toEqual(example.indices)
    const times = pairTimes(example.indices!, example.video_fps)
    expect(maxDifference(times, example.timestamps!)).toBeLessThan(1e-9)
    expect(times.map(label)).toEqual(example.labels)
  })

  it.each(golden.frame_list)(
    '$frames frames as a list, at most $max_frames',
    ({ frames, max_frames, selected, padded_count, labels }) => {
      const indices = sampleFrameList(frames, max_frames)
      expect(indices).toEqual(selected)
      // The frame that fills the last pair counts as one of its own.
      expect(pairTimes([...Array(padded_count).keys()], 2).map(label)).toEqual(labels)
    },
  )

  it.each(readGolden<{ cases: [number, string][] }>('standalone/timestamp_format.json').cases)(
    '%d is %s',
    (value, text) => {
      expect(oneDecimal(value)).toBe(text)
    },
  )
})
