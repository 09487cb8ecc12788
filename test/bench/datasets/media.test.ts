import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { DatasetOptions, MediaBucket, MediaPart } from '#qvl/bench/datasets/dataset.js'
import { expectRefused, requestsOf, tinyReranker } from './tokenizers.js'

/** Made with NumPy, following vLLM's RandomMultiModalDataset: each item with the sum of its bytes. */
const expected: Record<'images' | 'videos', [prompt: string, promptLen: number, items: Item[]][]> = JSON.parse(
  readFileSync(join(import.meta.dirname, 'vllm-draws.json'), 'utf8'),
).media

type Item = [height: number, width: number, frames: number, sum: number]

const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0

const bucket = (height: number, width: number, frames: number, probability: number): MediaBucket => ({
  height,
  width,
  frames,
  probability,
})

const images: DatasetOptions = {
  name: 'random-mm',
  tokenizer: tinyReranker,
  seed: 3,
  numPrompts: 6,
  randomInputLen: 12,
  randomMmBaseItemsPerRequest: 2,
  randomMmNumMmItemsRangeRatio: 0.5,
  randomMmLimitMmPerPrompt: { image: 3 },
  randomMmBucketConfig: [bucket(8, 16, 1, 0.5), bucket(16, 8, 1, 0.3), bucket(24, 24, 1, 0.2)],
}

const videos: DatasetOptions = {
  name: 'random-mm',
  tokenizer: tinyReranker,
  seed: 1,
  numPrompts: 4,
  randomInputLen: 8,
  randomMmBaseItemsPerRequest: 3,
  randomMmLimitMmPerPrompt: { image: 2, video: 1 },
  randomMmBucketConfig: [bucket(16, 16, 1, 0.6), bucket(16, 32, 2, 0.4)],
}

function bytesOf(part: MediaPart): Buffer {
  const url = part.type === 'image_url' ? part.image_url.url : part.video_url.url
  const [head, data] = url.split(',')
  expect(head).toBe(part.type === 'image_url' ? 'data:image/jpeg;base64' : 'data:video/mp4;base64')
  return Buffer.from(data!, 'base64')
}

describe('images of noise', () => {
  it('have the sizes and the pixels that vLLM draws', async () => {
    const requests = await requestsOf(images)
    expect(requests.map(({ prompt, promptLen }) => [prompt, promptLen])).toEqual(
      expected.images.map(([prompt, promptLen]) => [prompt, promptLen]),
    )
    for (const [i, [, , items]] of expected.images.entries()) {
      const media = requests[i]!.media!
      expect(media).toHaveLength(items.length)
      for (const [k, [height, width, , sum]] of items.entries()) {
        const { data, info } = await sharp(bytesOf(media[k]!)).raw().toBuffer({ resolveWithObject: true })
        expect([info.height, info.width, info.format]).toEqual([height, width, 'raw'])
        // JPEG keeps the brightness of noise, not each pixel.
        const difference = (data.reduce((total, byte) => total + byte, 0) - sum) / data.length
        expect(Math.abs(difference)).toBeLessThan(3)
      }
    }
  })
})

describe('videos of noise', () => {
  it.skipIf(!hasFfmpeg)('are MP4 files, where ffmpeg is installed', async () => {
    const requests = await requestsOf(videos)
    for (const [i, [prompt, , items]] of expected.videos.entries()) {
      const media = requests[i]!.media!
      expect(requests[i]!.prompt).toBe(prompt)
      expect(media.map(({ type }) => type)).toEqual(
        items.map(([, , frames]) => (frames === 1 ? 'image_url' : 'video_url')),
      )
      const clip = media.find(({ type }) => type === 'video_url')!
      expect(bytesOf(clip).subarray(4, 8).toString()).toBe('ftyp')
    }
  })

  it('are refused without ffmpeg', async () => {
    const path = process.env.PATH
    process.env.PATH = ''
    try {
      await expectRefused(videos, 'MEDIA_UNSUPPORTED', '--random-mm-bucket-config', /ffmpeg/)
    } finally {
      process.env.PATH = path
    }
  })
})
