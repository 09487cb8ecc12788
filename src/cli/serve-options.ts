// The flags of qvl serve as the options of a server, except those about access and the model.

import { QvlError } from '../errors.js'
import type { ListenAt } from '../server/http/listen.js'
import { type Limits, limitsWith } from '../server/limits.js'
import { type Log, type LogLevel, openLog } from '../server/log.js'
import { connectionsWithin, openFilesLimit } from '../server/open-files.js'
import { limitSettings } from './serve-limit-flags.js'
import type { Settings } from './settings.js'

const defaultHost = '127.0.0.1'
const defaultPort = 8000

export function listenAt({ host, port, uds }: Settings): ListenAt {
  return uds === undefined ? { host: host ?? defaultHost, port: port ?? defaultPort } : { socketPath: uds }
}

/** Empty, or with a leading slash and no trailing one. */
export function rootPathOf(settings: Settings): string {
  const path = (settings['root-path'] ?? '').replace(/\/+$/, '')
  return path === '' || path.startsWith('/') ? path : `/${path}`
}

/** Throws USAGE, and FILES_EXHAUSTED when the process may open too few files. */
export function serverLimits(settings: Settings, env: NodeJS.ProcessEnv, log: Log): Limits {
  const keepAliveSeconds = Number(env.VLLM_HTTP_TIMEOUT_KEEP_ALIVE || Number.NaN)
  const fromEnv = Number.isFinite(keepAliveSeconds) ? { keepAliveSeconds } : {}
  const limits = limitsWith({ ...fromEnv, ...limitSettings(settings) })
  const maxConnections = connectionsWithin(openFilesLimit(), limits.maxConnections)
  if (maxConnections < limits.maxConnections) {
    log.warn(`The limit on open files (ulimit -n) leaves room for ${maxConnections} connections.`)
  }
  return { ...limits, maxConnections }
}

const levels: Readonly<Record<Settings['uvicorn-log-level'], LogLevel>> = {
  critical: 'error',
  error: 'error',
  warning: 'warning',
  info: 'info',
  debug: 'debug',
  trace: 'debug',
}

export function serverLog(settings: Settings, write: (text: string) => void): Log {
  const { quiet, verbose, 'log-level': asked } = settings
  const level = levels[asked === 'auto' ? settings['uvicorn-log-level'] : asked]
  return openLog({
    format: settings['log-format'],
    level: asked === 'auto' && level === 'info' ? (quiet ? 'warning' : verbose ? 'debug' : level) : level,
    requests: !settings['disable-log-requests'] && !settings['disable-uvicorn-access-log'],
    quietPaths: (settings['disable-access-log-for-endpoints'] ?? '').split(',').map((path) => path.trim()),
    write,
  })
}

/** The first positional word, or --model. Throws USAGE. */
export function modelOf(settings: Settings, operands: readonly string[]): string {
  const [operand, ...more] = operands
  if (more.length > 0) {
    throw new QvlError('USAGE', {
      what: `qvl serve takes one model, and ${operands.length} were given: ${operands.join(', ')}.`,
      why: 'Each server has one model. A word behind a flag that takes none, such as -q (--quiet), counts as a model too.',
      do: 'Start a server for each, on a --port of its own.',
    })
  }
  const model = operand ?? settings.model
  if (model !== undefined) return model
  throw new QvlError('USAGE', {
    what: 'No model was named.',
    why: 'qvl serve needs to know what to serve.',
    do: 'Write, for example: qvl serve Qwen/Qwen3-VL-Reranker-2B',
  })
}
