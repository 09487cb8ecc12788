// What a route is: a row of the route table, the request it is given, and the answer it gives back.

import type { Engine } from '../engine/requests.js'
import type { Limits } from './limits.js'
import type { Log } from './log.js'
import type { Metrics } from './metrics.js'
import type { Preparation } from './prepare/preparation.js'

/** A request whose head and body passed every limit. */
export interface RouteRequest {
  method: string
  /** As the router matched it, without the query string. */
  path: string
  query: URLSearchParams
  /** Lower-case names. */
  headers: Readonly<Record<string, string | undefined>>
  /** The value of X-Request-Id, or 16 hexadecimal digits; ids of answers end in it. */
  id: string
  /** Empty for GET. */
  body: Uint8Array
  /** Aborted when the client leaves, or when the request's time is over. */
  signal: AbortSignal
  /** Filled by the handler; becomes the Server-Timing header and the log line. Milliseconds. */
  timing: RouteTiming
  /**
   * Reserve room in the queue for all prompt tokens of the request, once it is prepared and before it is submitted.
   * The room is given back when the handler is done. Throws ENGINE_OVERLOADED, or NOT_READY where there is no queue.
   */
  admit(promptTokens: number): void
  /** Reserve memory for what was fetched for the request, until it is answered. Throws ENGINE_OVERLOADED. */
  hold(bytes: number): void
}

export interface RouteTiming {
  /** Parsing, templating and tokenising. */
  tokeniseMs?: number
  queueMs?: number
  runMs?: number
  promptTokens?: number
  cachedTokens?: number
  /** Texts, pairs or sequences asked about. */
  items?: number
}

/**
 * The answer of a route. A body that is an iterable is written piece by piece, each as soon as the socket takes it, and
 * the event loop gets a turn between pieces; a piece should take well under 10 ms to make.
 */
export interface RouteAnswer {
  status: number
  headers?: Readonly<Record<string, string>>
  body: string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>
}

export interface Route {
  methods: readonly ('GET' | 'POST' | 'PUT')[]
  /** All of them lead here; the first is the one the documentation shows. */
  paths: readonly string[]
  /** How the metrics call it. */
  name: string
  /** One line for /openapi.json and /docs. */
  summary: string
  /** Answered without an API key: health, and pages, which ask for one themselves. */
  open?: true
  /** Answered before the model is ready and while the server drains. */
  always?: true
  /** Counted against the admission limits, and aborted with the request's time. */
  works?: true
  /** Whether errors of a request have SGLang's flat form, as its answer has. */
  flatErrors?(request: Pick<RouteRequest, 'headers'>, context: Pick<ServerContext, 'apiStyle'>): boolean
  /** Schemas and an example for /openapi.json. */
  describe?: RouteDescription
  handle(request: RouteRequest, context: ServerContext): Promise<RouteAnswer> | RouteAnswer
}

/** JSON Schema (2020-12) objects. */
export interface RouteDescription {
  request?: Readonly<Record<string, unknown>>
  response?: Readonly<Record<string, unknown>>
  example?: Readonly<Record<string, unknown>>
}

/** What every handler can reach. `engine` and `preparation` throw NOT_READY until the model is loaded. */
export interface ServerContext {
  readonly engine: Engine
  readonly preparation: Preparation
  readonly readiness: Readiness
  /** Whether the process does its work; asking never waits for the engine. */
  readonly liveness: Liveness
  /** The first is used in answers. */
  readonly servedModelNames: readonly string[]
  /** Unix time in seconds of the start. */
  readonly created: number
  readonly apiStyle: 'vllm' | 'sglang'
  /** Usage tells how many tokens were not computed again. */
  readonly promptTokensDetails: boolean
  readonly limits: Limits
  readonly metrics: Metrics
  readonly log: Log
  readonly trustRequestChatTemplate: boolean
  /** Work requests that are being answered, for /load. */
  readonly numInFlight: number
  readonly version: string
}

export interface Readiness {
  readonly state: 'loading' | 'ready' | 'draining' | 'failed'
  /** For people: what is being waited for, or what failed. */
  readonly why: string
}

export interface Liveness {
  /** False when work is queued and no batch has ended for far longer than batches take. */
  readonly ok: boolean
  /** For people. */
  readonly why: string
}
