// A throughput run on a tiny shape: what is counted, what is refused, and what is left behind.

import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import type { DeviceName } from '#qvl/devices/device.js'
import type { Dataset } from '#qvl/engine/throughput/datasets.js'
import { measureThroughput, type ThroughputOptions } from '#qvl/engine/throughput/throughput.js'
import { goldenPath } from '../../support/golden.js'

const devices: DeviceName[] = hasAddon() ? ['reference', 'ort', 'cpu'] : ['reference', 'ort']

const pairs: Dataset = {
  name: 'random-rerank',
  numRequests: 2,
  queryLen: 20,
  documentLen: 10,
  documentsPerRequest: 3,
  rangeRatio: 0,
}
const pairTokens = 58 + 20 + 10 + 8

let folder = ''
let temporary: string | undefined
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-throughput-'))
  temporary = process.env.TMPDIR
  process.env.TMPDIR = folder
})
afterAll(async () => {
  if (temporary === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = temporary
  await rm(folder, { recursive: true })
})

/** ONNX Runtime keeps files of its own in the folder for temporary files. */
const leftovers = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.startsWith('qvl-'))

function options(more: Partial<ThroughputOptions> = {}): ThroughputOptions {
  return {
    model: goldenPath('checkpoints/qwen3-embedding'),
    device: 'reference',
    dummyWeights: true,
    dataset: pairs,
    seed: 0,
    numWarmups: 1,
    numRuns: 2,
    ...more,
  }
}

describe.each(devices)('on the device %s', (device) => {
  it('counts what is computed and what is shared', async () => {
    const seen: number[] = []
    const report = await measureThroughput(options({ device, onRun: (run) => seen.push(run.seconds) }))
    expect(report).toMatchObject({ device, numSequences: 6, dummyWeights: true, prefixCaching: true })
    expect(report.runs.map(({ seconds }) => seconds)).toEqual(seen)
    expect(seen).toHaveLength(2)
    // All share 58 tokens of the template, and the documents of a request 20 of their query.
    const computed = 58 + 2 * (20 + 3 * (10 + 8))
    for (const run of report.runs) {
      expect(run).toMatchObject({ promptTokens: 6 * pairTokens, computedTokens: computed })
      expect(run.flops).toEqual(report.runs[0]!.flops)
      expect(run.flops.linear).toBeGreaterThan(run.flops.attention)
    }
    expect(report.memory.peak).toBeGreaterThan(10e6)
    expect(await leftovers()).toEqual([])
  })

  it('computes every token when prefixes are not shared', async () => {
    const shared = await measureThroughput(options({ device, numRuns: 1 }))
    const { runs } = await measureThroughput(options({ device, numRuns: 1, enablePrefixCaching: false }))
    expect(runs[0]).toMatchObject({ promptTokens: 6 * pairTokens, computedTokens: 6 * pairTokens })
    expect(runs[0]!.flops.linear).toBeGreaterThan(2 * shared.runs[0]!.flops.linear)
  })
})

describe.each(devices)('with images on the device %s', (device) => {
  const model = goldenPath('checkpoints/qwen3-vl-embedding')

  it('computes every image once a run, and a query of an image once for all documents', async () => {
    const dataset: Dataset = { ...pairs, imageTokens: 30 }
    const report = await measureThroughput(options({ model, device, dataset }))
    const computed = 58 + 2 * (30 + 20 + 3 * (10 + 8))
    for (const run of report.runs) {
      expect(run).toMatchObject({ promptTokens: 6 * (30 + pairTokens), computedTokens: computed, tower: { images: 2 } })
      expect(run.tower!.flops.linear).toBeGreaterThan(run.tower!.flops.attention)
      expect(run.tower!.device !== undefined).toBe(device === 'cpu')
      expect(run.parts!.documents).toBeGreaterThan(0)
      expect(run.parts!.images).toBeGreaterThan(0)
    }
    expect(report.towerPeakGflops !== undefined).toBe(device === 'cpu')
    expect(await leftovers()).toEqual([])
  })

  it('computes several images of a request', async () => {
    const images = { name: 'random-mm', numRequests: 2, inputLen: 10, imagesPerRequest: 3, imageTokens: 6 } as const
    const report = await measureThroughput(
      options({ model, device, dataset: { ...images, rangeRatio: 0 }, numRuns: 1 }),
    )
    expect(report.runs).toMatchObject([{ promptTokens: 2 * 28, computedTokens: 2 * 28, tower: { images: 6 } }])
    expect(report.runs[0]!.parts).toBeUndefined()
  })
})

describe('measureThroughput', () => {
  it('has the device measure itself where it can', async () => {
    const report = await measureThroughput(options({ device: hasAddon() ? 'cpu' : 'reference', dtype: 'float32' }))
    expect(report.peakGflops !== undefined).toBe(hasAddon())
    expect(report.memory.packedWeights !== undefined).toBe(hasAddon())
    for (const { device } of report.runs) {
      expect(device !== undefined).toBe(hasAddon())
      if (device) expect(device.linearSeconds + device.attentionSeconds).toBeLessThanOrEqual(device.totalSeconds)
    }
  })

  it('measures a checkpoint', async () => {
    const report = await measureThroughput(options({ dummyWeights: false, numRuns: 1, numWarmups: 0 }))
    expect(report).toMatchObject({ dummyWeights: false, runs: [{ promptTokens: 6 * pairTokens }] })
  })

  it.each(devices)('computes encoders in their own number type on %s', async (device) => {
    const model = goldenPath('checkpoints/bert-embedding')
    const report = await measureThroughput(options({ model, device }))
    // Nothing is shared between texts whose tokens all see each other.
    expect(report.runs[0]).toMatchObject({ promptTokens: 6 * pairTokens, computedTokens: 6 * pairTokens })
    expect(report.arithmetic.products).toBe(device === 'reference' ? 'float64' : 'float32')
  })

  it('takes a config.json by its own name, and overrides of it', async () => {
    const model = goldenPath('checkpoints/qwen3-vl-embedding/config.json')
    const layers = (numLayers: number) =>
      measureThroughput(options({ model, numRuns: 1, hfOverrides: { text_config: { num_hidden_layers: numLayers } } }))
    const [three, six] = [await layers(3), await layers(6)]
    expect(six.runs[0]!.flops.linear).toBeGreaterThan(1.9 * three.runs[0]!.flops.linear)
  })

  it.each<[string, Partial<ThroughputOptions>, { code: string; param?: string }]>([
    ['inputs beyond the model', { hfOverrides: { max_position_embeddings: 50 } }, { code: 'USAGE' }],
    ['a folder without a configuration', { model: goldenPath('.') }, { code: 'CHECKPOINT_FILE_MISSING' }],
    ['a folder that is not there', { model: '/nonexistent/x' }, { code: 'CHECKPOINT_FILE_MISSING' }],
    ['images with a model of text', { dataset: { ...pairs, imageTokens: 4 } }, { code: 'USAGE' }],
    ['a model of another kind', { hfOverrides: { model_type: 'llama' } }, { code: 'MODEL_UNSUPPORTED' }],
    ['bfloat16 on ort', { device: 'ort', dtype: 'bfloat16' }, { code: 'DEVICE_UNAVAILABLE' }],
    ['int8 on ort', { device: 'ort', quantization: 'int8' }, { code: 'DEVICE_UNAVAILABLE' }],
    ['bfloat16 on reference', { dtype: 'bfloat16' }, { code: 'DEVICE_UNAVAILABLE' }],
  ])('refuses %s, and leaves nothing behind', async (_, more, expected) => {
    await expect(measureThroughput(options(more))).rejects.toMatchObject(expected)
    expect(await leftovers()).toEqual([])
  })

  it('stops between batches, and leaves nothing behind', async () => {
    const abort = new AbortController()
    const onRun = (): void => abort.abort(new Error('enough'))
    const run = measureThroughput(options({ numRuns: 1000, signal: abort.signal, onRun }))
    await expect(run).rejects.toThrow('enough')
    expect(await leftovers()).toEqual([])
  })
})
