// Sizes, rates and times in words.

import type { RunProgress } from '../offline/run.js'

export const megabytes = (bytes: number | undefined): string =>
  bytes === undefined ? '?' : `${(bytes / 1e6).toFixed(1)} MB`

export const withCommas = (value: number): string => value.toLocaleString('en-US')

/** `12 lines`. */
export const countLines = (lines: number): string => `${withCommas(lines)} ${lines === 1 ? 'line' : 'lines'}`

/** `1,133 tok/s`. */
export const tokenRate = (tokens: number, ms: number): string =>
  `${withCommas(ms > 0 ? Math.round((tokens / ms) * 1000) : 0)} tok/s`

/** `1,200 lines, 34,000 tokens, 1,133 tok/s, 48 s left`, since `first`, `ms` ago; a pipe does not say how much will come. */
export function runText(first: RunProgress, now: RunProgress, ms: number): string {
  const tokens = now.tokens - first.tokens
  const done = [countLines(now.lines), `${withCommas(now.tokens)} tokens`, tokenRate(tokens, ms)]
  const bytes = now.bytesRead - first.bytesRead
  if (now.totalBytes === undefined || bytes <= 0) return done.join(', ')
  return [...done, `${duration((ms / bytes) * (now.totalBytes - now.bytesRead))} left`].join(', ')
}

/** `48 s`, `12 min`, `3 h 20 min`. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 100) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 100 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
