// Sizes and rates in words.

export const megabytes = (bytes: number | undefined): string =>
  bytes === undefined ? '?' : `${(bytes / 1e6).toFixed(1)} MB`

/** `12 lines, 3,400 tokens, 1,133 tok/s`. */
export function runText({ lines, tokens }: { lines: number; tokens: number }, ms: number): string {
  const rate = ms > 0 ? Math.round((tokens / ms) * 1000) : 0
  return `${withCommas(lines)} ${lines === 1 ? 'line' : 'lines'}, ${withCommas(tokens)} tokens, ${withCommas(rate)} tok/s`
}

export const withCommas = (value: number): string => value.toLocaleString('en-US')
