// Whether the server takes requests, for load balancers and orchestrators.

import type { Readiness, Route, ServerContext } from '../../route.js'
import { emptyAnswer, jsonAnswer } from './answers.js'

/** vLLM's: an empty body, and the status says it all. */
export const health: Route = {
  methods: ['GET'],
  paths: ['/health'],
  name: 'health',
  summary: 'Whether requests are taken: 200 or 503, with an empty body.',
  open: true,
  always: true,
  handle: (_request, { readiness }) => emptyAnswer(statusOf(readiness)),
}

/** SageMaker asks so. */
export const ping: Route = {
  ...health,
  methods: ['GET', 'POST'],
  paths: ['/ping'],
  name: 'ping',
  summary: 'The same as /health, under the name that SageMaker asks for.',
}

export const ready: Route = {
  methods: ['GET'],
  paths: ['/health/ready'],
  name: 'ready',
  summary: 'Whether requests are taken, and what is being waited for if not.',
  open: true,
  always: true,
  describe: { response: stateSchema({ enum: ['loading', 'ready', 'draining', 'failed'] }) },
  handle: (_request, { readiness }) => jsonAnswer(statusOf(readiness), { status: readiness.state, why: readiness.why }),
}

/** Never waits for the engine: a model that is loading, or busy, is alive. */
export const live: Route = {
  methods: ['GET'],
  paths: ['/health/live'],
  name: 'live',
  summary: 'Whether the process does its work; a server that fails here should be started again.',
  open: true,
  always: true,
  describe: { response: stateSchema({ enum: ['alive', 'stuck'] }) },
  handle: (_request, { liveness }: ServerContext) =>
    jsonAnswer(liveness.ok ? 200 : 503, { status: liveness.ok ? 'alive' : 'stuck', why: liveness.why }),
}

const statusOf = ({ state }: Readiness): number => (state === 'ready' ? 200 : 503)

function stateSchema(status: object): Record<string, unknown> {
  const why = { type: 'string', description: 'For people.' }
  return { type: 'object', properties: { status: { type: 'string', ...status }, why }, required: ['status', 'why'] }
}
