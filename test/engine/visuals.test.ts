// Images and videos from the file to the score, against the official scripts, on every device.

import { getEventListeners } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '#qvl/engine/engine.js'
import type { EngineOptions } from '#qvl/engine/options.js'
import type { Engine } from '#qvl/engine/requests.js'
import { hasFfmpeg } from '../support/ffmpeg.js'
import { cosine, floats, goldenPath } from '../support/golden.js'
import { contentOf, goldenMedia, isLossy, mediaCases, needsFfmpeg, type VlGoldenCase } from '../support/vl-cases.js'

const devices: { options: Partial<EngineOptions>; slow?: true }[] = [
  { options: { device: 'cpu', dtype: 'float32' } },
  { options: { device: 'ort' } },
  { options: { device: 'reference' }, slow: true },
]

/** Sampling is not part of a request. */
const hasOwnSampling = ({ input }: VlGoldenCase): boolean => input.fps !== undefined || input.max_length !== undefined

function casesOf(name: string, slow: boolean | undefined): VlGoldenCase[] {
  const cases = mediaCases(name).filter((example) => !hasOwnSampling(example) && (hasFfmpeg || !needsFfmpeg(example)))
  // The interpreter takes minutes for a video.
  return slow ? cases.filter(({ video_grid_thw }) => video_grid_thw === undefined).slice(0, 4) : cases
}

describe.each(devices)('$options', ({ options, slow }) => {
  describe('qwen3-vl-embedding', () => {
    let engine: Engine
    beforeAll(async () => {
      engine = await openEngine({ model: goldenPath('checkpoints/qwen3-vl-embedding'), media: goldenMedia, ...options })
    })
    afterAll(() => engine.close())

    it.each(casesOf('qwen3-vl-embedding', slow))('$id', async (example) => {
      const { vector } = await engine.embed({
        content: contentOf(example.input),
        instruction: example.input.instruction ?? undefined,
      })
      expect(cosine(vector, floats(example.embedding!))).toBeGreaterThan(isLossy(example) ? 0.999 : 0.99999)
    })
  })

  describe('qwen3-vl-reranker', () => {
    let engine: Engine
    beforeAll(async () => {
      engine = await openEngine({ model: goldenPath('checkpoints/qwen3-vl-reranker'), media: goldenMedia, ...options })
    })
    afterAll(() => engine.close())

    it.each(casesOf('qwen3-vl-reranker', slow))('$id', async (example) => {
      const { scores } = await engine.score({
        query: contentOf(example.input.query!),
        documents: [contentOf(example.input.document!)],
        instruction: example.input.instruction ?? undefined,
      })
      expect(Math.abs(scores[0]! - example.score!)).toBeLessThan(isLossy(example) ? 5e-3 : 1e-4)
    })
  })
})

describe('sharing', () => {
  it('an image is computed once, and pairs score the same alone and together', async () => {
    const model = goldenPath('checkpoints/qwen3-vl-reranker')
    await using engine = await openEngine({
      model,
      media: goldenMedia,
      device: 'cpu',
      dtype: 'float32',
      prefixCacheBytes: 64 * 1024 ** 2,
    })
    const query = [{ type: 'image', image: 'rgba_80x112.png' }] as const
    const documents = [
      'stripes',
      [{ type: 'image', image: 'rgb_48x48.png' }],
      [
        { type: 'image', image: 'rgb_48x48.png' },
        { type: 'text', text: 'a pattern' },
      ],
      [{ type: 'image', image: 'la_96x64.png' }],
      'a circle',
    ] as const
    const together = await engine.score({ query, documents })
    const before = engine.visuals()
    expect(before).toMatchObject({ queries: 3, hits: 0 })
    expect(together.usage.cachedTokens).toBeGreaterThan(documents.length * 8)
    for (const [index, document] of documents.entries()) {
      const alone = await engine.score({ query, documents: [document] })
      expect(Math.abs(alone.scores[0]! - together.scores[index]!)).toBeLessThan(1e-5)
    }
    // Nothing went through the tower again.
    const after = engine.visuals()
    expect(after.queries - before.queries).toBe(after.hits - before.hits)
  })

  it('images of equal size are never mistaken for each other', async () => {
    await using engine = await openEngine({
      model: goldenPath('checkpoints/qwen3-vl-embedding'),
      media: goldenMedia,
      device: 'cpu',
      dtype: 'float32',
      prefixCacheBytes: 64 * 1024 ** 2,
    })
    const frames = ['f00', 'f01', 'f02', 'f03'].map((name) => [{ type: 'image', image: `frames/${name}.png` }] as const)
    const together = await Promise.all(frames.map((content) => engine.embed({ content })))
    for (const [index, content] of frames.entries()) {
      await using fresh = await openEngine({
        model: goldenPath('checkpoints/qwen3-vl-embedding'),
        media: goldenMedia,
        device: 'cpu',
        dtype: 'float32',
      })
      const { vector } = await fresh.embed({ content })
      expect(cosine(vector, together[index]!.vector)).toBeGreaterThan(0.999999)
      const others = together.filter((_, other) => other !== index)
      for (const other of others) expect(cosine(vector, other.vector)).toBeLessThan(0.99999)
    }
  })
})

describe('what is refused', () => {
  const open = (media: EngineOptions['media']) =>
    openEngine({ model: goldenPath('checkpoints/qwen3-vl-reranker'), media, device: 'cpu', dtype: 'float32' })
  const score = (engine: Engine, image: string) =>
    engine.score({ query: 'q', documents: ['a', [{ type: 'image', image }]] })

  it('names the document, and the next request works', async () => {
    await using engine = await open(goldenMedia)
    await expect(score(engine, 'media.json')).rejects.toMatchObject({
      code: 'MEDIA_INVALID',
      details: { param: 'documents[1]' },
    })
    await expect(score(engine, 'nowhere.png')).rejects.toMatchObject({ code: 'MEDIA_NOT_FOUND' })
    await expect(score(engine, 'http://127.0.0.1:1/x.png')).rejects.toMatchObject({ code: 'MEDIA_BLOCKED' })
    expect((await score(engine, 'rgb_48x48.png')).scores).toHaveLength(2)
  })

  it('more images than allowed', async () => {
    await using engine = await open({ ...goldenMedia, limitPerPrompt: { image: 1 } })
    const image = { type: 'image', image: 'rgb_48x48.png' } as const
    await expect(engine.score({ query: 'q', documents: [[image, image]] })).rejects.toMatchObject({
      code: 'REQUEST_TOO_LARGE',
      message: expect.stringContaining('At most 1 image(s) may be provided in one prompt.'),
    })
  })

  it('images for a model that reads text only', async () => {
    await using engine = await openEngine({ model: goldenPath('checkpoints/qwen3-reranker'), media: goldenMedia })
    await expect(score(engine, 'rgb_48x48.png')).rejects.toMatchObject({ code: 'MEDIA_UNSUPPORTED' })
  })

  it('leaves nothing behind in the signal of a request', async () => {
    await using engine = await open(goldenMedia)
    const { signal } = new AbortController()
    const content = [{ type: 'image', image: 'rgb_48x48.png' }] as const
    await engine.score({ query: 'q', documents: [content, 'a text'] }, { signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('an image for which nobody waits any more', async () => {
    await using engine = await open(goldenMedia)
    const reason = new Error('the client left')
    const content = [{ type: 'image', image: 'rgb_640x427.webp' }] as const
    const asked = engine.score({ query: 'q', documents: [content] }, { signal: AbortSignal.abort(reason) })
    await expect(asked).rejects.toBe(reason)
    expect((await engine.score({ query: 'q', documents: [content] })).scores).toHaveLength(1)
  })
})
