// Golden images and videos through the npu device, on the software AscendCL: tower and decoder on one device.

import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { compileModel } from '#qvl/engine/compile-model.js'
import { openEngine } from '#qvl/engine/engine.js'
import type { Engine } from '#qvl/engine/requests.js'
import { describeSoftware, SoftwareAscend } from '../../npu/software.js'
import { hasFfmpeg } from '../../support/ffmpeg.js'
import { cosine, floats, goldenPath } from '../../support/golden.js'
import { contentOf, goldenMedia, isLossy, mediaCases, needsFfmpeg, type VlGoldenCase } from '../../support/vl-cases.js'

/** float32 on both sides. Lossy pictures depend on their decoder. */
const minCosine = { exact: 0.99999, lossy: 0.999 }
const maxDifference = { exact: 1e-4, lossy: 5e-3 }

/** Enough for all of them: the default gears take more patches, and the stand-in for atc computes each once. */
const visionGears = '8x64,4x256,1x1024,1x2304'

const kindOf = (example: VlGoldenCase): 'exact' | 'lossy' => (isLossy(example) ? 'lossy' : 'exact')

/** Sampling is not part of a request. */
const casesOf = (name: string, wanted: (id: string) => boolean): VlGoldenCase[] =>
  mediaCases(name)
    .filter(({ id, input }) => wanted(id) && input.fps === undefined && input.max_length === undefined)
    .filter((example) => hasFfmpeg || !needsFfmpeg(example))

/** One image, one of several tiles, frames, several in a prompt, and either side of a pair. */
const quick = ['image', 'image-large', 'video-frames', 'video+image+text', 'query-image', 'mixed']

export const isQuick = (id: string): boolean => quick.includes(id)

/** With those that `wanted` takes. */
export function describeImages(wanted: (id: string) => boolean): void {
  describeSoftware('images and videos on npu', () => imagesOnNpu(wanted))
}

function imagesOnNpu(wanted: (id: string) => boolean): void {
  const software = new SoftwareAscend().applyHere()
  process.env.QVL_CACHE = path.join(software.folder, 'cache')
  afterAll(() => {
    expect(software.report()).toEqual([])
    software.remove()
  })

  let engine: Engine
  const opened = (name: string): void => {
    beforeAll(async () => {
      const options = { model: goldenPath(`checkpoints/${name}`), dtype: 'float32', maxModelLen: 1024 } as const
      await compileModel({ ...options, soc: 'Ascend910B4', visionGears })
      engine = await openEngine({ ...options, device: 'npu', media: goldenMedia })
    }, 60_000)
    afterAll(() => engine.close())
  }

  describe('qwen3-vl-embedding', () => {
    opened('qwen3-vl-embedding')
    it.each(casesOf('qwen3-vl-embedding', wanted))('$id', async (example) => {
      const instruction = example.input.instruction ?? undefined
      const { vector } = await engine.embed({ content: contentOf(example.input), instruction })
      expect(cosine(vector, floats(example.embedding!))).toBeGreaterThan(minCosine[kindOf(example)])
    })
  })

  describe('qwen3-vl-reranker', () => {
    opened('qwen3-vl-reranker')
    it.each(casesOf('qwen3-vl-reranker', wanted))('$id', async (example) => {
      const { query, document } = example.input
      const { scores } = await engine.score({
        query: contentOf(query!),
        documents: [contentOf(document!)],
        instruction: example.input.instruction ?? undefined,
      })
      expect(Math.abs(scores[0]! - example.score!)).toBeLessThan(maxDifference[kindOf(example)])
    })
  })
}
