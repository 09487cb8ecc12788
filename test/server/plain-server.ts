// A server with a few plain routes and an engine that computes nothing: what is tested is everything around them.

import type { Engine, Preparer } from '#qvl/engine/requests.js'
import { limitsWith } from '#qvl/server/limits.js'
import { openLog } from '#qvl/server/log.js'
import type { Preparation } from '#qvl/server/prepare/preparation.js'
import type { Route, RouteRequest } from '#qvl/server/route.js'
import { type RunningServer, type ServerOptions, startServer } from '#qvl/server/server.js'

export interface PlainOptions extends Partial<Omit<ServerOptions, 'limits' | 'access'>> {
  limits?: Parameters<typeof limitsWith>[0]
  access?: Partial<ServerOptions['access']>
  /** Return while the model loads. */
  early?: boolean
}

/** What the log wrote goes to `lines`. */
export async function startPlain(options: PlainOptions = {}, lines: string[] = []): Promise<RunningServer> {
  const { limits = {}, access = {}, early = false, ...rest } = options
  const server = await startServer({
    listen: { host: '127.0.0.1', port: 0 },
    access: {
      apiKeys: [],
      openMetrics: false,
      allowedHosts: [],
      allowedOrigins: [],
      allowedMethods: ['*'],
      allowedHeaders: ['*'],
      allowCredentials: false,
      ...access,
    },
    rootPath: '',
    routes: plainRoutes,
    limits: limitsWith({ drainDelaySeconds: 0, ...limits }),
    log: openLog({ format: 'text', level: 'info', write: (text) => lines.push(text) }),
    servedModelNames: ['plain'],
    apiStyle: 'vllm',
    promptTokensDetails: false,
    trustRequestChatTemplate: false,
    version: '0.0.0',
    open: async () => ({ engine: idleEngine, preparation: noPreparation }),
    ...rest,
  })
  if (!early) await server.ready
  return server
}

const json = { 'content-type': 'application/json' }

/** POST /echo gives the body back; /wait answers when its signal aborts; /rows streams `?n=` lines. */
export const plainRoutes: readonly Route[] = [
  {
    ...{ methods: ['GET'], paths: ['/health'], name: 'health', summary: 'is it ready', open: true, always: true },
    handle: (_, { readiness }) => ({ status: readiness.state === 'ready' ? 200 : 503, body: readiness.state }),
  },
  {
    ...{ methods: ['GET'], paths: ['/metrics'], name: 'metrics', summary: 'counters', always: true },
    handle: async (_, { metrics }) => ({ status: 200, body: await metrics.render() }),
  },
  {
    ...{ methods: ['GET'], paths: ['/rows'], name: 'rows', summary: 'many lines' },
    handle: ({ query }) => ({ status: 200, body: rows(Number(query.get('n')), Number(query.get('fail') ?? -1)) }),
  },
  {
    ...{ methods: ['POST'], paths: ['/echo', '/v1/echo'], name: 'echo', summary: 'the body', works: true },
    handle(request) {
      request.timing.runMs = 1.25
      const tokens = request.query.get('tokens')
      if (tokens !== null) request.admit(Number(tokens))
      return { status: 200, headers: json, body: request.body }
    },
  },
  {
    ...{ methods: ['POST'], paths: ['/wait'], name: 'wait', summary: 'never', works: true },
    handle: waitForAbort,
  },
  {
    ...{ methods: ['POST'], paths: ['/deaf'], name: 'deaf', summary: 'ignores its signal', works: true },
    handle: (request) => {
      request.admit(Number(request.query.get('tokens') ?? 1))
      return new Promise(() => {})
    },
  },
  {
    ...{ methods: ['POST'], paths: ['/broken'], name: 'broken', summary: 'throws', works: true },
    handle() {
      throw new TypeError("Cannot read properties of undefined (reading 'secret')")
    },
  },
]

function waitForAbort(request: RouteRequest): Promise<never> {
  return new Promise((_, reject) => {
    request.signal.addEventListener('abort', () => reject(request.signal.reason))
  })
}

/** Open generators, so that tests can see them closed. */
export const openRows = { count: 0 }

function* rows(n: number, failAt: number): Iterable<string> {
  openRows.count += 1
  try {
    for (let row = 0; row < n; row++) {
      if (row === failAt) throw new Error('row failed')
      yield `${String(row).padStart(1023, '.')}\n`
    }
  } finally {
    openRows.count -= 1
  }
}

const nothing = (): never => {
  throw new Error('the plain engine computes nothing')
}

const model: Engine['model'] = {
  ...{ id: 'plain', fingerprint: '', kind: 'embed', architecture: 'unknown', format: 'plain', formatReason: 'test' },
  ...{ hidden: 1, maxModelLen: 8, labels: [], promptNames: [], device: 'reference' },
}

const noPreparer: Preparer = {
  model,
  ...{ embed: nothing, tokenEmbed: nothing, score: nothing, classify: nothing },
  ...{ tokenize: nothing, detokenize: nothing, renderChat: nothing },
}

export const idleEngine: Engine = {
  model,
  preparer: noPreparer,
  preparerOptions: { dir: '', id: 'plain' },
  warmUp: async () => {},
  ...{ submit: nothing, embed: nothing, score: nothing, loadVisuals: nothing },
  counters: { computedTokens: 0, promptTokens: 0 },
  load: () => ({ waitingTasks: 0, runningTasks: 0, waitingTokens: 0, runningTokens: 0, tokensPerSecond: 100 }),
  prefixCache: () => ({ queriedTokens: 0, hitTokens: 0, usedBytes: 0, maxBytes: 0 }),
  visuals: () => ({ queries: 0, hits: 0, usedBytes: 0 }),
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
}

export const noPreparation: Preparation = {
  preparer: noPreparer,
  prepare: nothing,
  numWaiting: 0,
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
}

/** The error text of an answer. */
export async function messageOf(answer: Response): Promise<string> {
  const body: unknown = await answer.json()
  const { error } = body as { error: { message: string } }
  return error.message
}
