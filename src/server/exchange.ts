// One request from its head to the last byte of its answer: checked, read, admitted, handled, written, counted.

import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { asQvlError, QvlError } from '../errors.js'
import type { Ticket } from './admission.js'
import type { Core } from './core.js'
import type { Access } from './http/access.js'
import type { Connections } from './http/connections.js'
import { errorAnswer, methodNotAllowed, notFound } from './http/error-answer.js'
import { checkBodyHead, readBody } from './http/read-body.js'
import { parseTarget, type Router } from './http/router.js'
import { serverTiming } from './http/server-timing.js'
import { discardRest, hasUnreadBody } from './http/unread-body.js'
import { writeAnswer } from './http/write-answer.js'
import type { Refusal } from './metrics.js'
import type { Route, RouteAnswer, RouteRequest, RouteTiming, ServerContext } from './route.js'
import { untilAborted } from './until-aborted.js'

/** What all requests share. */
export interface Shared extends Pick<Core, 'context' | 'admission' | 'life' | 'active'> {
  router: Router
  access: Access
  connections: Connections
  /** As the client sees the server behind a proxy; empty, or with a leading slash and no trailing one. */
  rootPath: string
}

/** A request that is being answered. */
export interface Exchange {
  readonly id: string
  readonly isWork: boolean
  /** Answer with this error instead, if the answer has not begun. */
  cut(error: QvlError): void
}

/** What is known of a request so far. */
interface State {
  request: IncomingMessage
  response: ServerResponse
  id: string
  path: string
  route: Route | undefined
  timing: RouteTiming
  /** Aborted when the client leaves, the time is over, or the server has to cut it off. */
  controller: AbortController
  ticket: Ticket | undefined
  error: QvlError | undefined
}

/** Never rejects: what goes wrong becomes an answer, and a line in the log. */
export async function exchange(shared: Shared, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const started = performance.now()
  const state = begin(request, response)
  const active: Exchange = {
    id: state.id,
    get isWork() {
      return state.route?.works === true
    },
    cut: (error) => state.controller.abort(error),
  }
  shared.active.add(active)
  const idle = shared.connections.begin(request.socket)
  await answer(shared, state).catch((error: unknown) => fail(shared, state, error))
  state.ticket?.release()
  idle()
  shared.active.delete(active)
  record(shared, state, (performance.now() - started) / 1000)
}

function begin(request: IncomingMessage, response: ServerResponse): State {
  const controller = new AbortController()
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(clientLeft())
  })
  // A write to a connection that has just closed; `close` follows.
  response.on('error', () => controller.abort(clientLeft()))
  const id = requestId(request.headers['x-request-id'])
  const state = { request, response, id, path: '', route: undefined, timing: {}, ticket: undefined, error: undefined }
  return { ...state, controller }
}

async function answer(shared: Shared, state: State): Promise<void> {
  const found = await resolve(shared, state).catch((error: unknown) => {
    if (state.controller.signal.reason instanceof QvlError) state.error = state.controller.signal.reason
    else state.error = asQvlError(error)
    if (state.error.code === 'CANCELLED') throw state.error
    return failure(shared, state, state.error)
  })
  await send(shared, state, found)
}

/** The answer, before anything of it is written. */
async function resolve(shared: Shared, state: State): Promise<RouteAnswer> {
  const { request, id, timing, controller } = state
  const { context, access, router, life } = shared
  const target = parseTarget(request.url ?? '', shared.rootPath)
  if (target === undefined) throw badTarget()
  state.path = target.path
  access.checkOrigin(request)
  const preflight = access.preflight(request)
  if (preflight !== undefined) return { status: 204, headers: preflight, body: '' }
  const match = router.match(request.method ?? '', target.path)
  if (match.kind !== 'none') state.route = match.route
  access.checkKey(request, state.route)
  if (match.kind === 'none') return notFound
  if (match.kind === 'method') return methodNotAllowed(match.allowed)
  const { route } = match
  if (route.always !== true) life.checkServing()
  const body = await receive(shared, state, route)
  const { ticket } = state
  const deadline = route.works === true ? startDeadline(shared, state) : undefined
  const routed: RouteRequest = {
    ...target,
    method: request.method ?? '',
    headers: singleHeaders(request),
    id,
    body,
    signal: controller.signal,
    timing,
    admit: (promptTokens) => ticket?.reserveTokens(promptTokens),
    hold: (bytes) => ticket?.reserveBytes(bytes),
  }
  try {
    return await untilAborted(handle(route, routed, context, ticket), controller.signal)
  } finally {
    clearTimeout(deadline)
  }
}

/** The body, and a place in the queue for a route that works. */
async function receive({ context, admission }: Shared, state: State, route: Route): Promise<Uint8Array> {
  const { request, response, controller } = state
  if (request.method === 'GET' || request.method === 'HEAD') return new Uint8Array()
  checkBodyHead(request, context.limits, route.always !== true)
  const ticket = admission.enter(route.works === true)
  state.ticket = ticket
  if (route.works) context.metrics.admitted()
  if (request.headers.expect !== undefined) response.writeContinue()
  const { signal } = controller
  return readBody(request, { limits: context.limits, signal, reserve: (bytes) => ticket.reserveBytes(bytes) })
}

/** A handler may throw before its first await. Its tokens count until it has ended, answered or not. */
async function handle(
  route: Route,
  request: RouteRequest,
  context: ServerContext,
  ticket: Ticket | undefined,
): Promise<RouteAnswer> {
  try {
    return await route.handle(request, context)
  } finally {
    ticket?.releaseTokens()
  }
}

async function send({ context, access, life }: Shared, state: State, found: RouteAnswer): Promise<void> {
  const { request, response, controller, timing, id } = state
  response.setHeader('x-request-id', id)
  const measured = serverTiming(timing)
  if (measured !== undefined) response.setHeader('server-timing', measured)
  for (const [name, value] of Object.entries(access.corsHeaders(request))) response.setHeader(name, value)
  const unread = hasUnreadBody(request)
  if (unread || life.state === 'draining') response.setHeader('connection', 'close')
  await writeAnswer(response, found, {
    signal: controller.signal,
    stalledSeconds: context.limits.stalledSeconds,
    ...(unread && { beforeEnd: () => discardRest(request) }),
  })
}

/** What came too late to be an answer, or never should become one. */
async function fail(shared: Shared, state: State, thrown: unknown): Promise<void> {
  const error = asQvlError(state.controller.signal.aborted ? state.controller.signal.reason : thrown)
  state.error = error
  const { response } = state
  if (response.headersSent || response.destroyed || error.code === 'CANCELLED') {
    // The client sees a cut connection, which it cannot mistake for a whole answer.
    response.destroy()
    return
  }
  // Making the first piece of the answer failed.
  state.controller = new AbortController()
  for (const name of response.getHeaderNames()) response.removeHeader(name)
  await send(shared, state, failure(shared, state, error)).catch(() => response.destroy())
}

function failure(shared: Shared, { request, route }: State, error: QvlError): RouteAnswer {
  const flat = route?.flatErrors?.({ headers: singleHeaders(request) }, shared.context) === true
  return errorAnswer(error, { retryAfter: retryAfter(shared, error), flat })
}

function record({ context: { metrics, log } }: Shared, state: State, seconds: number): void {
  const { id, path, route, timing, error, request, response } = state
  const method = request.method ?? ''
  const left = error?.code === 'CANCELLED'
  const status = left ? error.status : response.statusCode
  metrics.requestEnded({ route, path, method, status, seconds, timing })
  if (left && route?.works) metrics.cancelled()
  const refusal = error && refusals[error.code]
  if (refusal !== undefined) metrics.refused(refusal)
  if (error !== undefined && isOwnFault(error) && refusal === undefined) log.failed(error, { id, path })
  log.request({ id, method, path, status, milliseconds: seconds * 1000, timing, code: error?.code })
}

const refusals: Partial<Record<QvlError['code'], Refusal>> = {
  ENGINE_OVERLOADED: 'overloaded',
  NOT_READY: 'not_ready',
  UNAUTHORIZED: 'unauthorized',
  FORBIDDEN_ORIGIN: 'forbidden_origin',
  REQUEST_TOO_LARGE: 'too_large',
  REQUEST_TIMEOUT: 'timeout',
  REQUEST_EXPIRED: 'timeout',
}

/** What an administrator has to see: that another server has no picture is the request's trouble. */
const isOwnFault = ({ status, code }: QvlError): boolean => status >= 500 && code !== 'MEDIA_UNAVAILABLE'

/** Loading takes a while; another replica may be ready at once when this one leaves. */
const loadingSeconds = 5

function retryAfter({ admission, life }: Shared, { status }: QvlError): number | undefined {
  if (status !== 429 && status !== 503) return undefined
  if (life.state === 'loading') return loadingSeconds
  return life.state === 'draining' ? 1 : admission.retryAfter()
}

function startDeadline({ context: { limits } }: Shared, { controller }: State): NodeJS.Timeout {
  return setTimeout(() => controller.abort(expired(limits.requestSeconds)), limits.requestSeconds * 1000)
}

/** Ids are echoed in headers and answers, and written to the log. */
function requestId(given: string | string[] | undefined): string {
  const id = Array.isArray(given) ? given[0] : given
  return id !== undefined && /^[\x21-\x7e]{1,128}$/.test(id) ? id : randomBytes(8).toString('hex')
}

function singleHeaders({ headers }: IncomingMessage): Record<string, string | undefined> {
  const entries = Object.entries(headers)
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]))
}

function clientLeft(): QvlError {
  return new QvlError('CANCELLED', { what: 'The client left before it was answered.' })
}

function expired(seconds: number): QvlError {
  return new QvlError('REQUEST_EXPIRED', {
    what: `This request was not answered within ${seconds} s.`,
    why: 'It is too large for this machine, or too much is waiting before it.',
    do: 'Send fewer inputs in one request, try again later, or start the server with a larger --request-timeout.',
  })
}

function badTarget(): QvlError {
  return new QvlError('REQUEST_INVALID', {
    what: 'The path of this request is not usable.',
    why: 'It does not begin with a slash, or has a percent sign that encodes nothing.',
    do: 'Correct the URL.',
  })
}
