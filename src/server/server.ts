// The server: binds first, then opens the model, answers requests, and leaves in order.

import type { Duplex } from 'node:stream'
import type { BatchReport, Engine } from '../engine/requests.js'
import { type Core, openCore } from './core.js'
import { drain } from './drain.js'
import { exchange, type Shared } from './exchange.js'
import { type Access, type AccessOptions, openAccess } from './http/access.js'
import { type Bound, type ListenAt, listen } from './http/listen.js'
import { createListener, type Listener, type Tls } from './http/listener.js'
import { routerOf } from './http/router.js'
import { answerUnreadable, unreadable } from './http/unreadable.js'
import type { Limits } from './limits.js'
import type { Log } from './log.js'
import type { Metrics } from './metrics.js'
import type { Preparation } from './prepare/preparation.js'
import type { Readiness, Route } from './route.js'

/** What the server computes with, once it is loaded and warm. */
export interface OpenedModel {
  engine: Engine
  preparation: Preparation
}

export interface ServerOptions {
  listen: ListenAt
  tls?: Tls | undefined
  access: AccessOptions
  /** As clients see the server behind a proxy, such as /qvl; empty for none. */
  rootPath: string
  routes: readonly Route[]
  limits: Limits
  log: Log
  servedModelNames: readonly string[]
  apiStyle: 'vllm' | 'sglang'
  promptTokensDetails: boolean
  trustRequestChatTemplate: boolean
  version: string
  /** Opens and warms the model; called once the address is bound. The server closes what it returns. */
  open(options: OpenOptions): Promise<OpenedModel>
  /** The part of the memory limit that is in use, 0 to 1; measured when absent. */
  memoryShare?: (() => number) | undefined
}

export interface OpenOptions {
  /** Aborted when the server closes before it is ready. */
  signal: AbortSignal
  onBatch: (report: BatchReport) => void
}

export interface RunningServer extends AsyncDisposable {
  /** Such as http://127.0.0.1:8000, or unix:/run/qvl.sock. */
  readonly address: string
  /** 0 for a Unix socket. */
  readonly port: number
  readonly readiness: Readiness
  readonly metrics: Metrics
  /** The engine, once there is one. */
  readonly engine: Engine | undefined
  readonly numConnections: number
  /** Settles when the model answers; rejects when it cannot be opened. */
  readonly ready: Promise<void>
  /** From now on these API keys count, and no others. */
  useKeys(keys: readonly string[]): void
  /**
   * Readiness goes false at once; after the drain delay nothing new is accepted, and what is in flight is finished
   * within the drain timeout. Resolves with the number of requests that were cut off.
   */
  drain(options?: { skipDelay?: boolean }): Promise<number>
  /** Cut everything off and free it. Closing twice is fine. */
  close(): Promise<void>
}

/** Resolves when the address is bound; the model is loaded after that. Throws USAGE, LISTEN_FAILED. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const core = openCore(options)
  try {
    let shared: Shared | undefined
    const listener = createListener(options.limits, options.tls, {
      onRequest(request, response) {
        if (shared !== undefined) void exchange(shared, request, response)
      },
      onUnreadable: (error, socket) => refuseUnreadable(error, socket, core, options.limits),
    })
    const bound = await listen(listener.server, options.listen, listener.scheme)
    const access = openAccess(options.access, bound.loopback)
    const { context, admission, life, active } = core
    const { connections } = listener
    const router = routerOf(options.routes)
    shared = { context, admission, life, active, router, access, connections, rootPath: options.rootPath }
    return running({ core, listener, bound, access, options })
  } catch (error) {
    await core.close()
    throw error
  }
}

function refuseUnreadable(error: NodeJS.ErrnoException, socket: Duplex, { metrics }: Core, limits: Limits): void {
  const answer = unreadable(error, limits)
  if (answer === undefined || !socket.writable) {
    socket.destroy()
    return
  }
  metrics.refused(answer.refusal)
  answerUnreadable(socket, answer.error)
}

interface Parts {
  core: Core
  listener: Listener
  bound: Bound
  access: Access
  options: ServerOptions
}

function running({ core, listener, bound, access, options }: Parts): RunningServer {
  const { server, connections } = listener
  const ready = core.load()
  // Whoever waits for it hears of it too.
  ready.catch(() => {})
  async function close(): Promise<void> {
    server.close()
    connections.destroyAll()
    await core.close()
  }
  return {
    address: bound.address,
    port: bound.port,
    readiness: core.life,
    metrics: core.metrics,
    get engine() {
      return core.model?.engine
    },
    get numConnections() {
      return connections.size
    },
    ready,
    useKeys: access.useKeys,
    drain: ({ skipDelay = false } = {}) => drain(core, listener, { limits: options.limits, skipDelay }),
    close,
    [Symbol.asyncDispose]: close,
  }
}
