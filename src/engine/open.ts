// Opens an engine: one that computes here, or one in front of replicas.

import { openEngine, toPreparerOptions } from './engine.js'
import type { EngineOptions } from './options.js'
import type { Engine } from './requests.js'
import { openUpstreamEngine } from './upstream/engine.js'

/** Throws what `openEngine` throws, and UPSTREAM_UNAVAILABLE for what is wrong with the replicas. */
export function openAnyEngine(options: EngineOptions): Promise<Engine> {
  const { upstream } = options
  if (upstream === undefined) return openEngine(options)
  return openUpstreamEngine(options, upstream, (dir) => toPreparerOptions(options, dir))
}
