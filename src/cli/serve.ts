// `qvl serve`: starts the server, says what it serves, and stays until a signal ends it.

import { setTimeout as sleep } from 'node:timers/promises'
import type { EngineOptions } from '../engine/options.js'
import type { Engine } from '../engine/requests.js'
import { exitCode } from '../errors.js'
import { startStatistics } from '../server/log/statistics.js'
import type { Log } from '../server/log.js'
import { routeTable } from '../server/routes.js'
import { type RunningServer, type ServerOptions, startServer } from '../server/server.js'
import { untilAborted } from '../server/until-aborted.js'
import type { Context } from './context.js'
import { packageVersion } from './help.js'
import { placeOf } from './open-model.js'
import type { PhaseName } from './panel/phases.js'
import { withCommas } from './progress-text.js'
import { accessOptions, tlsOptions } from './serve-access.js'
import { openServed, servedEngineOptions } from './serve-model.js'
import { listenAt, modelOf, rootPathOf, serverLimits, serverLog } from './serve-options.js'
import { reloadOnHangup } from './serve-reload.js'
import { openServeView, type ServeView } from './serve-view.js'

/** For a load that is under way to stop; what reads and packs weights cannot always. */
const abandonMs = 1_000

/** Returns the exit code. Throws USAGE, LISTEN_FAILED, and what opening the model throws. */
export async function serve(context: Context): Promise<number> {
  const started = performance.now()
  const view = await openServeView(context)
  context.interrupt.restore = () => view.close()
  try {
    return await serveWith(context, view, started)
  } finally {
    view.close()
  }
}

async function serveWith(context: Context, view: ServeView, started: number): Promise<number> {
  const { settings, signal, interrupt } = context
  const log = serverLog(settings, (text) => view.write(text))
  // The log says it, in its own form.
  interrupt.explain = ''
  const { options, engine } = await serveOptions(context, log, view)
  view.starting(engine.model)
  const server = await startServer(options)
  const stopReloading = reloadOnHangup({ server, settings, log })
  log.info(`Listening at ${server.address}; loading ${engine.model} on ${placeOf(engine)}.`)
  warnOfVisibleKey(log)
  warnOfOpenDoor(options, log)
  try {
    await untilAborted(server.ready, signal)
  } catch (error) {
    await Promise.race([server.close(), sleep(abandonMs)])
    if (interrupt.code !== undefined) interrupt.leave()
    throw error
  }
  context.closeAtEnd(() => server.close())
  sayReady(log, { server, engine: server.engine!, names: options.servedModelNames, started })
  await view.serving(server, options.servedModelNames[0]!)
  const stopStatistics = settings['disable-log-stats'] ? () => {} : statistics(server, log)
  await untilAborted(new Promise<never>(() => {}), signal).catch(() => {})
  const [numCut] = await Promise.all([drain(context, server, log), view.refresh()])
  stopStatistics()
  stopReloading()
  // Nothing was lost: the signal was an order, not an accident.
  if (numCut > 0) return interrupt.code ?? exitCode.failed
  interrupt.obeyed = true
  return exitCode.ok
}

interface ServeOptions {
  options: ServerOptions
  engine: EngineOptions
}

async function serveOptions({ settings, operands }: Context, log: Log, view: ServeView): Promise<ServeOptions> {
  const { env } = process
  const warn = (message: string): void => log.warn(message)
  const engine = await servedEngineOptions(settings, modelOf(settings, operands), warn)
  const limits = serverLimits(settings, env, log)
  const given = settings['served-model-name']
  const servedModelNames = given.length === 0 ? [engine.model] : given
  const trustRequestChatTemplate = settings['trust-request-chat-template']
  const prepare = { servedModelNames, limits, trustRequestChatTemplate }
  const numThreads = settings['renderer-num-workers'] ?? 1
  const options: ServerOptions = {
    listen: listenAt(settings),
    tls: await tlsOptions(settings),
    access: await accessOptions(settings, env),
    rootPath: rootPathOf(settings),
    routes: routeTable({ documentation: !settings['disable-fastapi-docs'], page: !settings['disable-page'] }),
    limits,
    log,
    servedModelNames,
    apiStyle: settings['api-style'],
    promptTokensDetails: settings['enable-prompt-tokens-details'],
    trustRequestChatTemplate,
    version: packageVersion(),
    open: (opening) => {
      const onDownload: EngineOptions['onDownload'] = (event) => view.download(event)
      const onPhase = (name: PhaseName): void => view.phase(name)
      const say = (message: string): void => log.info(message)
      return openServed({ ...opening, engine: { ...engine, onDownload }, prepare, numThreads, warn, say, onPhase })
    },
  }
  return { options, engine }
}

interface Ready {
  server: RunningServer
  engine: Engine
  names: readonly string[]
  /** When the command began, by performance.now(). */
  started: number
}

function sayReady(log: Log, { server, engine, names, started }: Ready): void {
  const { model } = engine
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  const does = model.kind === 'embed' ? 'embeddings, and scores by cosine' : 'scores'
  log.info(`Prompt format ${model.format}: ${model.formatReason}.`)
  log.info(`Serving ${names.join(', ')} (${does}; prompts up to ${withCommas(model.maxModelLen)} tokens).`)
  log.info(`Ready after ${seconds} s at ${server.address}`)
  // uvicorn's words, which scripts wait for.
  log.info('Application startup complete.')
}

/** Other users of this machine can read command lines. */
function warnOfVisibleKey(log: Log): void {
  if (!process.argv.some((word) => /^--api[-_]key(=|$)/.test(word))) return
  log.warn('The list of processes shows what follows --api-key; --api-key-file and VLLM_API_KEY keep it to themselves.')
}

function warnOfOpenDoor({ listen, access }: ServerOptions, log: Log): void {
  if ('socketPath' in listen || access.apiKeys.length > 0) return
  if (/^(localhost|::1|127\..*)$/.test(listen.host)) return
  log.warn(`Everybody who reaches ${listen.host} can use this server. Set a key with --api-key-file or VLLM_API_KEY.`)
}

const statistics = (server: RunningServer, log: Log): (() => void) =>
  startStatistics({ log, metrics: server.metrics, engine: () => server.engine })

async function drain({ interrupt }: Context, server: RunningServer, log: Log): Promise<number> {
  const skipDelay = interrupt.code === exitCode.interrupted
  log.info('Shutting down: what is in flight is answered first; a second signal ends it at once.')
  const numCut = await server.drain({ skipDelay })
  if (numCut > 0) log.warn(`${numCut} requests were cut off: they took longer than --drain-timeout.`)
  else log.info('All requests are answered. Goodbye.')
  return numCut
}
