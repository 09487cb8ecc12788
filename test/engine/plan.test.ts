// The plan of an engine: what it takes of the machine, known before it is opened.

import { describe, expect, it } from 'vitest'
import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { openDevice } from '#qvl/devices/open-device.js'
import type { EngineOptions } from '#qvl/engine/options.js'
import { planEngine } from '#qvl/engine/plan.js'
import { qwen3 } from '#qvl/models/qwen3.js'
import { decoderOf } from '../support/decoder.js'
import { goldenPath } from '../support/golden.js'

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
})
