// vLLM's metrics for pooling models (`vllm/v1/metrics/loggers.py`), with its names, labels and meanings.

import { Counter, Histogram, type Registry } from 'prom-client'
import type { BatchReport } from '../../engine/requests.js'
import type { EndedRequest, MetricsOptions } from '../metrics.js'
import { latencyBuckets, tokenBuckets } from './buckets.js'
import { engineGauges } from './engine-gauges.js'

export interface VllmMetrics {
  ended(request: EndedRequest): void
  batch(report: BatchReport): void
}

const clientLeft = 499
/** vLLM goes up to the longest prompt, which is not known before the model is loaded; none here is longer. */
const maxTokens = 200_000

export function vllmMetrics(registry: Registry, options: MetricsOptions): VllmMetrics {
  const make = makers(registry, options.modelName)
  engineGauges(registry, options)
  make.counter('num_preemptions', 'Always 0: a batch that has begun is never put back.')
  return { ended: requestMetrics(make), batch: batchMetrics(make) }
}

function requestMetrics(make: Makers): VllmMetrics['ended'] {
  const finished = make.finished('request_success', 'Inputs by how they ended: stop, abort (the client left) or error.')
  const tokens = make.tokens('request_prompt_tokens', 'Prompt tokens of a request, all inputs together.')
  const whole = make.seconds('e2e_request_latency', 'From the first byte of a request to the last of its answer.')
  const queue = make.seconds('request_queue_time', 'From submission to the first batch.')
  const inference = make.seconds('request_inference_time', 'From the first batch to the last row.')
  const prefill = make.seconds('request_prefill_time', 'The same: a pooling model only prefills.')
  return ({ status, seconds, timing }) => {
    const reason = finishedReason(status, timing.runMs !== undefined)
    if (reason !== undefined) finished(reason, timing.items ?? 1)
    if (reason !== 'stop') return
    tokens(timing.promptTokens ?? 0)
    whole(seconds)
    queue((timing.queueMs ?? 0) / 1000)
    inference((timing.runMs ?? 0) / 1000)
    prefill((timing.runMs ?? 0) / 1000)
  }
}

function batchMetrics(make: Makers): VllmMetrics['batch'] {
  const prompt = make.counter('prompt_tokens', 'Prompt tokens of batches that succeeded.')
  const cached = make.counter('prompt_tokens_cached', 'Those that were not computed, because a prefix was shared.')
  // The name of a histogram, though it ends like a counter's.
  const computed = make.tokens('iteration_tokens_total', 'Tokens computed in a batch.')
  return (report) => {
    computed(report.computedTokens)
    if (report.failed) return
    prompt(report.promptTokens)
    cached(Math.max(0, report.promptTokens - report.computedTokens))
  }
}

const finishedReasons = ['stop', 'abort', 'error'] as const
type FinishedReason = (typeof finishedReasons)[number]

/** Undefined for what never reached the engine: refusals, and requests that were wrong. */
function finishedReason(status: number, hasRun: boolean): FinishedReason | undefined {
  if (status < 400) return hasRun ? 'stop' : undefined
  if (status === clientLeft) return 'abort'
  return status >= 500 && status !== 503 ? 'error' : undefined
}

type Makers = ReturnType<typeof makers>

/** Metrics with the labels of the one engine, which vLLM numbers; each is there from the start, with 0. */
function makers(registry: Registry, modelName: string) {
  const labels = { model_name: modelName, engine: '0' }
  const labelNames = Object.keys(labels)
  const registers = [registry]
  const histogram = (name: string, help: string, buckets: number[]) => {
    const made = new Histogram({ name: `vllm:${name}`, help, labelNames, buckets, registers })
    made.zero(labels)
    return (value: number): void => made.observe(labels, value)
  }
  return {
    counter(name: string, help: string) {
      const made = new Counter({ name: `vllm:${name}_total`, help, labelNames, registers })
      made.inc(labels, 0)
      return (count: number): void => made.inc(labels, count)
    },
    finished(name: string, help: string) {
      const withReason = [...labelNames, 'finished_reason']
      const made = new Counter({ name: `vllm:${name}_total`, help, labelNames: withReason, registers })
      for (const finished_reason of finishedReasons) made.inc({ ...labels, finished_reason }, 0)
      return (finished_reason: FinishedReason, count: number): void => made.inc({ ...labels, finished_reason }, count)
    },
    tokens: (name: string, help: string) => histogram(name, help, tokenBuckets(maxTokens)),
    seconds: (name: string, help: string) => histogram(`${name}_seconds`, help, latencyBuckets),
  }
}
