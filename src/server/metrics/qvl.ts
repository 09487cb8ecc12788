// What vLLM has no name for: batches, admission, and which build this is.

import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { BatchReport } from '../../engine/requests.js'
import { type MetricsOptions, type Refusal, refusals } from '../metrics.js'
import { latencyBuckets } from './buckets.js'

export interface QvlMetrics {
  batch(report: BatchReport): void
  admitted(): void
  refused(reason: Refusal): void
  cancelled(): void
}

export function qvlMetrics(registry: Registry, { version, engine }: MetricsOptions): QvlMetrics {
  const registers = [registry]
  const counter = (name: string, help: string) => new Counter({ name: `qvl_${name}_total`, help, registers })
  const computed = counter('computed_tokens', 'Tokens that went through the model; a shared prefix counts once.')
  const admitted = counter('requests_admitted', 'Work requests that the queue took.')
  const cancelled = counter('requests_cancelled', 'Work requests whose client left before the answer.')
  const refused = new Counter({
    name: 'qvl_requests_refused_total',
    help: 'Requests turned away before a handler saw them.',
    labelNames: ['reason'],
    registers,
  })
  for (const reason of refusals) refused.inc({ reason }, 0)
  const batches = new Counter({
    name: 'qvl_batches_total',
    help: 'Batches that ended.',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['ok', 'failed']) batches.inc({ outcome }, 0)
  const seconds = new Histogram({
    name: 'qvl_batch_seconds',
    help: 'How long batches took.',
    buckets: latencyBuckets,
    registers,
  })
  buildInfo({ registry, version, engine })
  return {
    batch(report) {
      batches.inc({ outcome: report.failed ? 'failed' : 'ok' })
      seconds.observe(report.seconds)
      if (!report.failed) computed.inc(report.computedTokens)
    },
    admitted: () => admitted.inc(),
    refused: (reason) => refused.inc({ reason }),
    cancelled: () => cancelled.inc(),
  }
}

function buildInfo({
  registry,
  version,
  engine,
}: Pick<MetricsOptions, 'version' | 'engine'> & { registry: Registry }): void {
  new Gauge({
    name: 'qvl_build_info',
    help: 'Version, platform and device.',
    labelNames: ['version', 'node', 'platform', 'device'],
    registers: [registry],
    collect() {
      const platform = `${process.platform}-${process.arch}`
      const device = engine()?.model.device ?? 'none'
      this.reset()
      this.set({ version, node: process.version, platform, device }, 1)
    },
  })
}
