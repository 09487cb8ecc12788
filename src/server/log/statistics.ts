// A line of statistics every few seconds, in vLLM's words, while there is anything to say.

import type { Engine, EngineLoad, PrefixCacheReport } from '../../engine/requests.js'
import type { Log } from '../log.js'
import type { Metrics, Totals } from '../metrics.js'

/** vLLM's VLLM_LOG_STATS_INTERVAL. */
const defaultIntervalMs = 10_000

export interface StatisticsOptions {
  log: Log
  metrics: Metrics
  /** The engine, once there is one. */
  engine: () => Engine | undefined
  intervalMs?: number | undefined
}

/** Returns what stops it. */
export function startStatistics({
  log,
  metrics,
  engine,
  intervalMs = defaultIntervalMs,
}: StatisticsOptions): () => void {
  let before = snapshot(metrics.totals)
  const timer = setInterval(() => {
    const now = snapshot(metrics.totals)
    const opened = engine()
    const line = opened && statisticsLine(before, now, { ...opened.load(), ...opened.prefixCache() })
    before = now
    if (line !== undefined) log.info(line)
  }, intervalMs)
  timer.unref()
  return () => clearInterval(timer)
}

export interface Snapshot extends Totals {
  at: number
}

const snapshot = (totals: Totals): Snapshot => ({ ...totals, at: performance.now() })

/** Undefined when nothing has happened in between and nothing is under way. */
export function statisticsLine(
  before: Snapshot,
  now: Snapshot,
  engine: EngineLoad & PrefixCacheReport,
): string | undefined {
  const { runningTasks, waitingTasks, usedBytes, maxBytes, hitTokens, queriedTokens } = engine
  const idle = now.endedRequests === before.endedRequests && now.promptTokens === before.promptTokens
  if (idle && runningTasks + waitingTasks === 0) return undefined
  const seconds = (now.at - before.at) / 1000
  const rate = seconds > 0 ? (now.promptTokens - before.promptTokens) / seconds : 0
  return [
    `Engine 000: Avg prompt throughput: ${rate.toFixed(1)} tokens/s`,
    `Running: ${runningTasks} reqs`,
    `Waiting: ${waitingTasks} reqs`,
    `KV cache usage: ${percent(usedBytes, maxBytes)}`,
    `Prefix cache hit rate: ${percent(hitTokens, queriedTokens)}`,
  ].join(', ')
}

const percent = (part: number, whole: number): string => `${whole === 0 ? '0.0' : ((100 * part) / whole).toFixed(1)}%`
