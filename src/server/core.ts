// The parts of a server that do not know about sockets, put together.

import type { BatchReport } from '../engine/requests.js'
import { asQvlError } from '../errors.js'
import { type Admission, openAdmission } from './admission.js'
import { serverContext } from './context.js'
import type { Exchange } from './exchange.js'
import { type Life, openLife } from './life.js'
import { memoryShare } from './memory-share.js'
import { type Metrics, openMetrics } from './metrics.js'
import { openRecovery } from './recovery.js'
import type { ServerContext } from './route.js'
import type { OpenedModel, ServerOptions } from './server.js'
import { shedNewest } from './shed.js'
import { openWatchdog } from './watchdog.js'

export interface Core {
  readonly life: Life
  readonly metrics: Metrics
  readonly admission: Admission
  readonly context: ServerContext
  /** Requests that are being answered, newest last. */
  readonly active: Set<Exchange>
  /** Undefined until it is loaded. */
  readonly model: OpenedModel | undefined
  /** Aborted by `close`. */
  readonly signal: AbortSignal
  /** Opens the model, and makes the server ready. Rejects when that fails. */
  load(): Promise<void>
  /** Frees the model. Closing twice is fine. */
  close(): Promise<void>
}

/** How often the watchdog looks, and memory is looked at. */
const monitorMs = 1_000

export function openCore(options: ServerOptions): Core {
  const { limits, log, servedModelNames, version } = options
  const closing = new AbortController()
  const life = openLife()
  let model: OpenedModel | undefined
  let opening: Promise<OpenedModel> | undefined
  const engine = () => model?.engine
  const metrics = openMetrics({ modelName: servedModelNames[0]!, version, engine })
  const watchdog = openWatchdog(() => engine()?.load())
  const recovery = openRecovery({ engine, life, log, signal: closing.signal })
  const share = options.memoryShare ?? memoryShare()
  const tokensPerSecond = () => engine()?.load().tokensPerSecond ?? 0
  const admission = openAdmission({ limits, tokensPerSecond, memoryShare: share })
  const active = new Set<Exchange>()
  const monitor = setInterval(() => {
    watchdog.look()
    if (share() < limits.shedAtMemoryShare) return
    const numShed = shedNewest(active)
    if (numShed > 0) log.warn(`Gave up ${numShed} requests: memory is almost used up.`)
  }, monitorMs)
  const onBatch = (report: BatchReport): void => {
    for (const listener of [metrics, watchdog, recovery]) listener.batchEnded(report)
  }
  return {
    life,
    metrics,
    admission,
    context: serverContext(options, { life, metrics, watchdog, admission, model: () => model }),
    active,
    get model() {
      return model
    },
    signal: closing.signal,
    async load() {
      opening = options.open({ signal: closing.signal, onBatch })
      try {
        model = await opening
        life.become('ready', 'The model is loaded and warm.')
      } catch (error) {
        life.become('failed', `The model could not be loaded: ${asQvlError(error).details.what}`)
        throw error
      }
    },
    async close() {
      closing.abort()
      clearInterval(monitor)
      metrics.close()
      // One that could not be opened was reported by `load`.
      const opened = await opening?.catch(() => undefined)
      await opened?.preparation.close()
      await opened?.engine.close()
    },
  }
}
