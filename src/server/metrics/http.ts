// Requests as HTTP sees them, under the names of the instrumentator that vLLM uses.

import { Counter, Histogram, type Registry } from 'prom-client'
import type { EndedRequest } from '../metrics.js'
import { latencyBuckets } from './buckets.js'

/** Polled by machines, and left out as vLLM leaves them out: they would drown the rest. */
const excluded = new Set(['metrics', 'health', 'live', 'ready', 'ping', 'load', 'version'])

export interface HttpMetrics {
  ended(request: EndedRequest): void
}

export function httpMetrics(registry: Registry): HttpMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests by path of the route table, method and status class.',
    labelNames: ['handler', 'method', 'status'],
    registers,
  })
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last byte of its answer.',
    labelNames: ['handler', 'method'],
    buckets: latencyBuckets,
    registers,
  })
  const responses = new Counter({
    name: 'qvl_http_responses_total',
    help: 'Answers by status code.',
    labelNames: ['code'],
    registers,
  })
  return {
    ended(request) {
      if (request.route !== undefined && excluded.has(request.route.name)) return
      const labels = { handler: handlerOf(request), method: methodOf(request) }
      requests.inc({ ...labels, status: `${Math.floor(request.status / 100)}xx` })
      duration.observe(labels, request.seconds)
      responses.inc({ code: request.status })
    },
  }
}

/** Labels come from the route table alone, so that no client can make new ones. */
function handlerOf({ route, path }: EndedRequest): string {
  return route?.paths.includes(path) === true ? path : 'none'
}

function methodOf({ route, method }: EndedRequest): string {
  return route?.methods.find((each) => each === method) ?? 'other'
}
