// What the engine says of itself when the metrics are read: how busy it is, and what its prefix cache holds.

import { Counter, Gauge, type Registry } from 'prom-client'
import type { Engine } from '../../engine/requests.js'
import type { MetricsOptions } from '../metrics.js'

/** Read at each scrape; 0 while there is no engine yet. */
interface Reading {
  name: string
  kind: 'gauge' | 'counter'
  help: string
  read: (engine: Engine) => number
}

const readings: readonly Reading[] = [
  {
    name: 'vllm:num_requests_running',
    kind: 'gauge',
    help: 'Inputs of which some are in a batch or answered.',
    read: (engine) => engine.load().runningTasks,
  },
  {
    name: 'vllm:num_requests_waiting',
    kind: 'gauge',
    help: 'Inputs that wait for their first batch.',
    read: (engine) => engine.load().waitingTasks,
  },
  {
    name: 'vllm:kv_cache_usage_perc',
    kind: 'gauge',
    help: 'How full the cache of kept prefixes is; 1 is full.',
    read: (engine) => {
      const { usedBytes, maxBytes } = engine.prefixCache()
      return maxBytes === 0 ? 0 : usedBytes / maxBytes
    },
  },
  {
    name: 'vllm:prefix_cache_queries_total',
    kind: 'counter',
    help: 'Tokens looked up in the cache of kept prefixes.',
    read: (engine) => engine.prefixCache().queriedTokens,
  },
  {
    name: 'vllm:prefix_cache_hits_total',
    kind: 'counter',
    help: 'Tokens found in the cache of kept prefixes.',
    read: (engine) => engine.prefixCache().hitTokens,
  },
  {
    name: 'vllm:mm_cache_queries_total',
    kind: 'counter',
    help: 'Images and videos looked up in the cache of their features.',
    read: (engine) => engine.visuals().queries,
  },
  {
    name: 'vllm:mm_cache_hits_total',
    kind: 'counter',
    help: 'Images and videos found in the cache of their features.',
    read: (engine) => engine.visuals().hits,
  },
  {
    name: 'qvl_queue_tokens',
    kind: 'gauge',
    help: 'Tokens of inputs that wait for their first batch.',
    read: (engine) => engine.load().waitingTokens,
  },
  {
    name: 'qvl_running_tokens',
    kind: 'gauge',
    help: 'Tokens of inputs that are being answered.',
    read: (engine) => engine.load().runningTokens,
  },
  {
    name: 'qvl_device_rows_total',
    kind: 'counter',
    help: 'Rows in the fixed shapes of an NPU, those of padding included; 0 on devices that pad nothing.',
    read: (engine) => engine.padding?.()?.paddedRows ?? 0,
  },
  {
    name: 'qvl_device_padding_rows_total',
    kind: 'counter',
    help: 'Rows of padding among them.',
    read: (engine) => {
      const { rows, paddedRows } = engine.padding?.() ?? { rows: 0, paddedRows: 0 }
      return paddedRows - rows
    },
  },
  {
    name: 'qvl_tokens_per_second',
    kind: 'gauge',
    help: 'Prompt tokens answered per second of running, over the last batches.',
    read: (engine) => engine.load().tokensPerSecond,
  },
]

export function engineGauges(registry: Registry, options: MetricsOptions): void {
  for (const reading of readings) {
    if (reading.kind === 'gauge') addGauge(registry, reading, options)
    else addCounter(registry, reading, options)
  }
  addCacheInfo(registry, options)
}

const labelNames = ['model_name', 'engine'] as const
const labelsOf = ({ modelName }: MetricsOptions) => ({ model_name: modelName, engine: '0' })

function readNow({ read }: Reading, { engine }: MetricsOptions): number {
  const opened = engine()
  return opened === undefined ? 0 : read(opened)
}

function addGauge(registry: Registry, reading: Reading, options: MetricsOptions): void {
  const { name, help } = reading
  new Gauge({
    ...{ name, help, labelNames, registers: [registry] },
    collect() {
      this.set(labelsOf(options), readNow(reading, options))
    },
  })
}

/** The engine keeps the sum, and a Counter can only be added to. */
function addCounter(registry: Registry, reading: Reading, options: MetricsOptions): void {
  const { name, help } = reading
  new Counter({
    ...{ name, help, labelNames, registers: [registry] },
    collect() {
      this.reset()
      this.inc(labelsOf(options), readNow(reading, options))
    },
  })
}

function addCacheInfo(registry: Registry, { engine }: MetricsOptions): void {
  new Gauge({
    name: 'vllm:cache_config_info',
    help: 'How prefixes are kept.',
    labelNames: ['engine', 'enable_prefix_caching', 'max_bytes'],
    registers: [registry],
    collect() {
      const maxBytes = engine()?.prefixCache().maxBytes
      if (maxBytes === undefined) return
      this.set({ engine: '0', enable_prefix_caching: maxBytes > 0 ? 'True' : 'False', max_bytes: maxBytes }, 1)
    },
  })
}
