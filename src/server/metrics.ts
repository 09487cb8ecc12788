// What the server counts and measures, in Prometheus' text format: vLLM's names where they mean the same here.

import { Registry } from 'prom-client'
import type { BatchReport, Engine } from '../engine/requests.js'
import { httpMetrics } from './metrics/http.js'
import { processMetrics } from './metrics/process.js'
import { qvlMetrics } from './metrics/qvl.js'
import { replicaMetrics } from './metrics/replicas.js'
import { vllmMetrics } from './metrics/vllm.js'
import type { Route, RouteTiming } from './route.js'

/** A request that has left the server, answered or not. */
export interface EndedRequest {
  /** The row of the route table that took it; absent when none did. */
  route: Route | undefined
  path: string
  method: string
  /** 499 when the client left before the answer. */
  status: number
  /** From its first byte to the last byte of the answer, on a monotonic clock. */
  seconds: number
  timing: RouteTiming
}

/** Why a request was turned away before a handler saw it. */
export const refusals = [
  'overloaded',
  'not_ready',
  'unauthorized',
  'forbidden_origin',
  'too_large',
  'timeout',
  'malformed',
] as const
export type Refusal = (typeof refusals)[number]

/** Sums since the start, for the statistics line of the log. */
export interface Totals {
  endedRequests: number
  promptTokens: number
  computedTokens: number
}

export interface Metrics {
  requestEnded(request: EndedRequest): void
  batchEnded(report: BatchReport): void
  /** A work request that the queue took. */
  admitted(): void
  refused(reason: Refusal): void
  /** A work request whose client left before it was answered. */
  cancelled(): void
  readonly totals: Readonly<Totals>
  /** The Content-Type of what `render` gives. */
  readonly contentType: string
  render(): Promise<string>
  /** Stops watching the event loop. */
  close(): void
}

export interface MetricsOptions {
  /** The name that labels carry: the first served one. */
  modelName: string
  version: string
  /** The engine, once there is one. */
  engine: () => Engine | undefined
}

export function openMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry()
  const http = httpMetrics(registry)
  const vllm = vllmMetrics(registry, options)
  const qvl = qvlMetrics(registry, options)
  replicaMetrics(registry, options)
  const watched = processMetrics(registry)
  const totals: Totals = { endedRequests: 0, promptTokens: 0, computedTokens: 0 }
  return {
    requestEnded(request) {
      http.ended(request)
      if (request.route?.works !== true) return
      totals.endedRequests += 1
      vllm.ended(request)
    },
    batchEnded(report) {
      vllm.batch(report)
      qvl.batch(report)
      if (report.failed) return
      totals.promptTokens += report.promptTokens
      totals.computedTokens += report.computedTokens
    },
    admitted: qvl.admitted,
    refused: qvl.refused,
    cancelled: qvl.cancelled,
    totals,
    contentType: registry.contentType,
    render: () => registry.metrics(),
    close: watched.close,
  }
}
