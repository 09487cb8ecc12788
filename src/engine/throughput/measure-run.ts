// One pass over all requests, through the queue and the image features as a server has them.

import type { Model } from '../../models/model.js'
import { defaultMaxNumBatchedTokens, defaultMaxNumSeqs, maxPatchesPerRun } from '../limits.js'
import { inTurns } from '../open-images.js'
import type { EngineOptions } from '../options.js'
import type { TreeSequence } from '../prefix-tree.js'
import { Queue } from '../queue.js'
import type { Sequence } from '../requests.js'
import { noTurns, Turns } from '../turns.js'
import { VisionRunner } from '../vision.js'
import { resolveVisuals } from '../visual-rows.js'
import { imageAlone, withoutImages } from './datasets.js'
import type { LoadedPrograms } from './load-programs.js'
import { Meter, type Work } from './meter.js'
import type { NoiseImages } from './noise-images.js'

/** Of the vision tower. */
export interface TowerWork extends Work {
  images: number
}

/** The decoder's work is the run's own. */
export interface ThroughputRun extends Work {
  seconds: number
  /** Tokens asked for. */
  promptTokens: number
  /** Tokens computed; fewer where prefixes are shared. */
  computedTokens: number
  tower?: TowerWork
  /** Where a query is an image. */
  parts?: Parts
}

/** In seconds. */
export interface Parts {
  documents: number
  images: number
}

export interface Measured {
  model: Model
  programs: LoadedPrograms
  /** As the device says it. */
  hasOwnCores: boolean
  /** Of datasets with images. */
  noise: NoiseImages | undefined
  options: Pick<EngineOptions, 'maxNumBatchedTokens' | 'maxNumSeqs' | 'enablePrefixCaching' | 'signal'>
}

/** Nothing is kept from pass to pass: each computes all of its images and prompts. */
export async function measureRun(requests: readonly Sequence[][], measured: Measured): Promise<ThroughputRun> {
  const { model, programs, hasOwnCores, options } = measured
  const turns = hasOwnCores ? noTurns : new Turns()
  const decoder = new Meter(model.program, programs.decoder)
  const tower = towerOf(measured, turns)
  const queue = new Queue(model, inTurns(decoder, turns), {
    maxNumBatchedTokens: options.maxNumBatchedTokens ?? defaultMaxNumBatchedTokens,
    maxNumSeqs: options.maxNumSeqs ?? defaultMaxNumSeqs,
    sharePrefixes: options.enablePrefixCaching ?? true,
  })
  const { signal } = options
  const started = performance.now()
  if (tower === undefined) await Promise.all(queue.enqueue([requests.flat()], { signal }))
  else {
    const answer = async (request: readonly Sequence[]): Promise<void> => {
      await Promise.all(queue.enqueue([await tower.resolve(request, signal)], { signal }))
    }
    await Promise.all(requests.map(answer))
  }
  const seconds = (performance.now() - started) / 1000
  return { seconds, ...queue.counters, ...decoder.take(), ...(tower && { tower: tower.take() }) }
}

/** How long the same documents take with a query of text, and the images alone. */
export async function measureParts(requests: readonly Sequence[][], measured: Measured): Promise<Parts> {
  const documents = await measureRun(
    requests.map((request) => request.map(withoutImages)),
    { ...measured, noise: undefined },
  )
  const images = await measureRun(
    requests.map(([first]) => first!.visuals!.map(({ facts }) => imageAlone(facts))),
    measured,
  )
  return { documents: documents.seconds, images: images.seconds }
}

interface MeasuredTower {
  /** Sequences with the features of their images. */
  resolve(sequences: readonly Sequence[], signal: AbortSignal | undefined): Promise<TreeSequence[]>
  take(): TowerWork
}

function towerOf(
  { model: { vision }, programs, noise }: Measured,
  turns: Pick<Turns, 'take'>,
): MeasuredTower | undefined {
  if (vision === undefined || programs.tower === undefined || noise === undefined) return undefined
  const meter = new Meter(vision.program, programs.tower)
  const device = inTurns(meter, turns)
  const runner = new VisionRunner({ model: vision, device, maxPatches: maxPatchesPerRun, maxBytes: 0 })
  return {
    async resolve(sequences, signal) {
      const facts = sequences.flatMap(({ visuals = [] }) => visuals.map((visual) => visual.facts))
      const keys = [...new Set(facts.map(({ key }) => key))]
      const features = await Promise.all(keys.map((key) => runner.features(noise.byKey.get(key)!, signal)))
      const byKey = new Map(keys.map((key, index) => [key, features[index]!]))
      return sequences.map(({ visuals = [], ...sequence }) => ({
        ...sequence,
        visual: resolveVisuals({ ids: sequence.ids, visuals }, (key) => byKey.get(key)!),
      }))
    },
    take: () => ({ ...meter.take(), images: runner.report().queries }),
  }
}
