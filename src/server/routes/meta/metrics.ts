// The metrics, for Prometheus to collect.

import type { Route } from '../../route.js'

export const metrics: Route = {
  methods: ['GET'],
  paths: ['/metrics'],
  name: 'metrics',
  summary: "What the server counts and measures, in Prometheus' text format, with vLLM's names.",
  always: true,
  handle: async (_request, context) => ({
    status: 200,
    headers: { 'content-type': context.metrics.contentType },
    body: await context.metrics.render(),
  }),
}
