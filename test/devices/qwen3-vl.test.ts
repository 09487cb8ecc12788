// Images through every device that computes them, against the golden vectors and scores.

import { describe, expect, it } from 'vitest'
import type { LoadOptions } from '#qvl/devices/device.js'
import { openDevice } from '#qvl/devices/open-device.js'
import { qwen3Vl } from '#qvl/models/qwen3-vl.js'
import { tokenHead } from '#qvl/models/token-head.js'
import { cosine, floats, readGolden } from '../support/golden.js'
import { imageCases, loadVl, openVl, patchesOf, runCase } from '../support/vl.js'

const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit))

interface Row {
  device: 'cpu' | 'ort'
  options: LoadOptions
  /** Of the pooled vectors, at least; and of the scores, at most. */
  minCosine: number
  maxScoreDifference: number
}

const rows: Row[] = [
  { device: 'cpu', options: { dtype: 'float32' }, minCosine: 0.999999, maxScoreDifference: 1e-4 },
  { device: 'ort', options: {}, minCosine: 0.999999, maxScoreDifference: 1e-4 },
  // The reference itself reaches 0.9998 in bfloat16.
  { device: 'cpu', options: { dtype: 'bfloat16' }, minCosine: 0.999, maxScoreDifference: 0.03 },
]

describe.each(rows)('$device $options', ({ device, options, minCosine, maxScoreDifference }) => {
  it('embeds images', async () => {
    const { config, weights } = await openVl('qwen3-vl-embedding')
    const model = await qwen3Vl(config, weights)
    const run = await loadVl(await openDevice(device), model, { ...options, threads: 2 })
    for (const { example, images } of imageCases('qwen3-vl-embedding')) {
      const outputs = await runCase(run, model, config, { ids: example.input_ids, images: images.map(patchesOf) })
      expect(cosine(outputs.hidden!.data, floats(example.hidden)), example.id).toBeGreaterThan(minCosine)
    }
    await run.close()
  })

  it('scores pairs with images', async () => {
    const { config, weights } = await openVl('qwen3-vl-reranker')
    const ids = readGolden<{ yes_token_id: number; no_token_id: number }>('qwen3-vl-reranker/cases.json')
    const head = await tokenHead(weights, [ids.no_token_id, ids.yes_token_id])
    const model = await qwen3Vl(config, head.weights, { numLabels: 1 })
    const run = await loadVl(await openDevice(device), model, { ...options, threads: 2 })
    for (const { example, images } of imageCases('qwen3-vl-reranker')) {
      const outputs = await runCase(run, model, config, { ids: example.input_ids, images: images.map(patchesOf) })
      const difference = Math.abs(sigmoid(outputs.logits!.data[0]!) - sigmoid(example.logit_diff!))
      expect(difference, example.id).toBeLessThan(maxScoreDifference)
    }
    await run.close()
  })
})
