// The plan of an engine: what it takes of the machine, known before it is opened.

import { describe, expect, it } from 'vitest'
import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { openDevice } from '#qvl/devices/open-device.js'
import { visionLoad } from '#qvl/engine/open-images.js'
import type { EngineOptions, MediaOptions } from '#qvl/engine/options.js'
import { planEngine } from '#qvl/engine/plan.js'
import { qwen3 } from '#qvl/models/qwen3.js'
import { visionTower } from '#qvl/models/qwen3-vl-vision.js'
import { decoderOf } from '../support/decoder.js'
import { goldenPath } from '../support/golden.js'
import { openVl } from '../support/vl.js'

const model = goldenPath('checkpoints/qwen3-embedding')

describe('the plan', () => {
  it('has what was asked for, and what follows from the checkpoint', async () => {
    const options = { device: 'reference', maxNumBatchedTokens: 500, prefixCacheBytes: 7 } as const
    const plan = await planEngine({ model, ...options })
    const { weightBytes } = await openCheckpoint(model)
    expect(plan).toMatchObject({
      device: 'reference',
      dtype: 'float64',
      threads: 1,
      maxModelLen: 32_768,
      maxNumBatchedTokens: 500,
      weightBytes,
      // The checkpoint is in bfloat16, and this device computes with float32 weights.
      packedBytes: 2 * weightBytes,
      prefixCacheBytes: 0,
    })
    expect(plan.longestPromptBytes).toBeGreaterThan(60 * plan.workspaceBytes)
  })

  it('grows with the batch, in proportion', async () => {
    const bytes = async (maxNumBatchedTokens: number) =>
      (await planEngine({ model, device: 'ort', maxNumBatchedTokens, maxNumSeqs: 1 })).workspaceBytes
    const [small, large] = [await bytes(1_000), await bytes(10_000)]
    expect(large / small).toBeGreaterThan(9)
    expect(large / small).toBeLessThan(10.1)
  })

  it('refuses a length that the model cannot do', async () => {
    await expect(planEngine({ model, maxModelLen: 50_000 })).rejects.toMatchObject({ code: 'USAGE' })
  })
})

describe.runIf(hasAddon())('the plan for the cpu device', () => {
  it.each<[string, Pick<EngineOptions, 'dtype' | 'quantization'>, string]>([
    ['float32', { dtype: 'float32' }, 'float32'],
    ['bfloat16', { dtype: 'bfloat16' }, 'bfloat16'],
    ['int8', { quantization: 'int8' }, 'int8'],
    ["the checkpoint's own type", {}, 'bfloat16'],
  ])('knows the packed weights to the byte: %s', async (_, types, dtype) => {
    const plan = await planEngine({ model, device: 'cpu', threads: 1, prefixCacheBytes: 5, ...types })
    expect(plan).toMatchObject({ dtype, threads: 1, prefixCacheBytes: 5 })
    const checkpoint = await openCheckpoint(model)
    const { program, weights } = qwen3(decoderOf(checkpoint.config), checkpoint.weights)
    const device = await openDevice('cpu')
    await using loaded = await device.load(program, weights, { threads: 1, ...types })
    expect(plan.packedBytes).toBe(loaded.statistics!().packedBytes)
  })

  const vlModel = goldenPath('checkpoints/qwen3-vl-embedding')

  it.each<[string, Pick<EngineOptions, 'dtype' | 'quantization'>]>([
    ['float32', { dtype: 'float32' }],
    ['bfloat16', { dtype: 'bfloat16' }],
    ['int8, which the tower never has', { quantization: 'int8' }],
  ])('knows the packed weights of the vision tower to the byte: %s', async (_, types) => {
    const { tower } = await planEngine({ model: vlModel, device: 'cpu', media: { cacheBytes: 7 }, ...types })
    const { config, weights } = await openVl('qwen3-vl-embedding')
    const vision = visionTower(config.vision, weights)
    const device = await openDevice('cpu')
    await using loaded = await device.load(vision.program, vision.weights, visionLoad({ threads: 1, ...types }))
    expect(tower).toMatchObject({ packedBytes: loaded.statistics!().packedBytes, cacheBytes: 7 })
  })

  it.each<[string, MediaOptions['limitPerPrompt'], number]>([
    ['images and videos', undefined, 30_720],
    ['videos', { image: 0 }, 30_720],
    ['images', { video: 0 }, 7_200],
  ])('has room for the largest of %s', async (_, limitPerPrompt, patches) => {
    const { tower } = await planEngine({ model: vlModel, device: 'reference', media: { limitPerPrompt } })
    const { config, weights } = await openVl('qwen3-vl-embedding')
    const { program } = visionTower(config.vision, weights)
    const numbers = program.shapes.reduce((sum, { rows, width }) => sum + (rows === 'visual' ? width / 4 : width), 0)
    expect(tower!.largestBytes).toBe(8 * numbers * patches)
  })

  it.each<[string, EngineOptions]>([
    ['of a model for text', { model }],
    ['where no image is taken', { model: vlModel, media: { limitPerPrompt: { image: 0, video: 0 } } }],
  ])('has no tower %s', async (_, options) => {
    expect(await planEngine(options)).not.toHaveProperty('tower')
  })
})
