// Sizes, rates and times in words.

import type { RunProgress } from '../offline/run.js'

export const megabytes = (bytes: number | undefined): string =>
  bytes === undefined ? '?' : `${(bytes / 1e6).toFixed(1)} MB`

export const withCommas = (value: number): string => value.toLocaleString('en-US')

/** `12 lines`. */
export const countLines = (lines: number): string => `${withCommas(lines)} ${lines === 1 ? 'line' : 'lines'}`

/** `34,000 tokens`. */
export const countTokens = (tokens: number): string => `${withCommas(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`

/** `1,133 tok/s`. */
export const tokenRate = (tokens: number, ms: number): string =>
  `${withCommas(ms > 0 ? Math.round((tokens / ms) * 1000) : 0)} tok/s`

/** `1,200 lines, 34,000 tokens, 1,133 tok/s, 48 s left`, since `first`, `ms` ago; a pipe does not say how much will come. */
export const runText = (first: RunProgress, now: RunProgress, ms: number): string => runParts(first, now, ms).join(', ')

export function runParts(first: RunProgress, now: RunProgress, ms: number): string[] {
  const tokens = now.tokens - first.tokens
  const done = [countLines(now.lines), countTokens(now.tokens), tokenRate(tokens, ms)]
  const bytes = now.bytesRead - first.bytesRead
  if (now.totalBytes === undefined || bytes <= 0) return done
  return [...done, `${duration((ms / bytes) * (now.totalBytes - now.bytesRead))} left`]
}

/** How far a benchmark of a server is. */
export interface LoadProgress {
  total: number
  /** Answered or failed. */
  ended: number
  failed: number
  running: number
  /** Of the prompts that were answered. */
  tokens: number
  elapsedMs: number
  /** Milliseconds, of the latest answers; absent before the first. */
  latencies: { p50: number; p99: number } | undefined
}

/** `512 of 1,000 requests, 40.2 req/s, 10,240 tok/s, 128 running, p50 310 ms, p99 420 ms, 3 failed`. */
export const loadText = (event: LoadProgress): string => loadParts(event).join(', ')

export function loadParts(event: LoadProgress): string[] {
  const { total, ended, failed, running, tokens, elapsedMs, latencies } = event
  return [
    `${withCommas(ended)} of ${withCommas(total)} requests`,
    `${((1000 * (ended - failed)) / Math.max(elapsedMs, 1)).toFixed(1)} req/s`,
    tokenRate(tokens, elapsedMs),
    `${withCommas(running)} running`,
    ...(latencies === undefined ? [] : [`p50 ${milliseconds(latencies.p50)}`, `p99 ${milliseconds(latencies.p99)}`]),
    ...(failed === 0 ? [] : [`${withCommas(failed)} failed`]),
  ]
}

/** `0.8 ms`, `310 ms`. */
const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : withCommas(Math.round(ms))} ms`

/** `48 s`, `12 min`, `3 h 20 min`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 100) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
