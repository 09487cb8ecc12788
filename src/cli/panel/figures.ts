// Figures of the panel in few characters.

import { withCommas } from '../progress-text.js'

/** What the server does not tell. */
export const unknown = '-'

/** `0.4`, `51.2`, `9,340`, `10.2k`, `1.2M`. */
export function compact(value: number | undefined): string {
  if (value === undefined) return unknown
  if (value < 100 && !Number.isInteger(value)) return value.toFixed(1)
  if (value < 9_999.5) return withCommas(Math.round(value))
  if (value < 999_500) return `${scaled(value / 1e3)}k`
  return value < 999_500_000 ? `${scaled(value / 1e6)}M` : `${scaled(value / 1e9)}G`
}

const scaled = (value: number): string => (value < 99.95 ? value.toFixed(1) : withCommas(Math.round(value)))

/** `0.8 ms`, `31 ms`, `1.4 s`, `48 s`. */
export function latency(seconds: number | undefined): string {
  if (seconds === undefined) return unknown
  if (seconds < 0.00995) return `${(1000 * seconds).toFixed(1)} ms`
  if (seconds < 0.9995) return `${Math.round(1000 * seconds)} ms`
  return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`
}

/** `43 %`; of a share, 0 to 1. */
export const percent = (share: number | undefined): string =>
  share === undefined || Number.isNaN(share) ? unknown : `${Math.round(100 * share)} %`

/** `820 MiB`, `1.2 GiB`. */
export function memory(bytes: number | undefined): string {
  if (bytes === undefined) return unknown
  const GiB = 1024 ** 3
  return bytes < GiB ? `${Math.round(bytes / 1024 ** 2)} MiB` : `${(bytes / GiB).toFixed(1)} GiB`
}
