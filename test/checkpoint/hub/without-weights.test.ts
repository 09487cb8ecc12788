// A model fetched without its weights: enough to make its prompts, never taken for the whole.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import { type Located, type LocateOptions, locateWithoutWeights } from '#qvl/checkpoint/locate.js'
import { openPreparer } from '#qvl/engine/preparer.js'
import { expectFailure, filesBelow, type Place, place, sharded, single } from './place.js'
import { quickLimits } from './server.js'

type Hub = 'Hugging Face' | 'ModelScope'
const hubs: Hub[] = ['Hugging Face', 'ModelScope']

async function start(
  hub: Hub,
): Promise<Place & { small: (ref: string, options?: LocateOptions) => Promise<Located>; model: Place['locate'] }> {
  const at = await place()
  const modelScope = {
    VLLM_USE_MODELSCOPE: '1',
    MODELSCOPE_ENDPOINT: at.hub.url,
    MODELSCOPE_CACHE: join(at.home, 'ms'),
  }
  const own = hub === 'ModelScope' ? modelScope : {}
  const env = { HF_ENDPOINT: at.hub.url, HF_HOME: at.home, HOME: at.home, ...own }
  return {
    ...at,
    small: (ref, options = {}) => locateWithoutWeights(ref, { env, limits: quickLimits, ...options }),
    model: (ref, options = {}) => at.locate(ref, { env, ...options }),
  }
}

const weightsIn = (dir: string): string[] => filesBelow(dir).filter((file) => /^[^/]+\.safetensors$/.test(file))

describe.each(hubs)('from %s', (hub) => {
  it.each([single, sharded])('%s comes without its weights, and the rest can follow', async (ref) => {
    const { small, model } = await start(hub)
    const { dir } = await small(ref)
    expect(weightsIn(dir)).toEqual([])
    expect(await small(ref, { offline: true })).toMatchObject({ dir, source: 'cache' })
    await expectFailure(() => model(ref, { offline: true }), 'MODEL_NOT_FOUND', 'safetensors')
    expect((await model(ref)).dir).toBe(dir)
    expect(weightsIn(dir)).not.toEqual([])
    expect(await small(ref, { offline: true })).toMatchObject({ dir, source: 'cache' })
  })

  it('prompts are those of the whole model', async () => {
    const { small, model } = await start(hub)
    const { dir } = await small(single)
    const request = { query: 'red fruit', documents: ['an apple', 'a castle'] }
    const without = await openPreparer({ id: single, dir, weights: 'optional' })
    await expectFailure(() => openCheckpoint(dir), 'CHECKPOINT_FILE_MISSING', 'weights')
    await model(single)
    const whole = await openPreparer({ id: single, dir })
    expect(without.score(request)).toEqual(whole.score(request))
    const { fingerprint: _without, ...facts } = without.model
    const { fingerprint: _whole, ...wholeFacts } = whole.model
    expect(facts).toEqual(wholeFacts)
  })
})

it('a shard that is gone makes the weights absent', async () => {
  const { model } = await start('Hugging Face')
  const { dir } = await model(sharded)
  expect((await openCheckpoint(dir, { weights: 'optional' })).weights.size).toBeGreaterThan(0)
  rmSync(join(dir, weightsIn(dir)[0]!))
  expect((await openCheckpoint(dir, { weights: 'optional' })).weights.size).toBe(0)
})
