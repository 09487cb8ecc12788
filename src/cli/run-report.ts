// What is said about a run: the first failed lines, and how it ended.

import type { QvlError } from '../errors.js'
import type { RunSummary } from '../offline/run-file.js'
import type { Messages } from './messages.js'
import { countLines, countTokens, tokenRate, withCommas } from './progress-text.js'

/** The output has every failure; stderr shows the first few, enough to see what is wrong. */
const maxShownFailures = 3

export function lineErrorsTo(messages: Messages): (failure: { line: number; error: QvlError }) => void {
  let shown = 0
  return ({ line, error }) => {
    if (shown++ < maxShownFailures) messages.note(`line ${line}: error[${error.code}] ${error.message}`)
  }
}

/** One line at the end of a run, and a warning when lines failed. */
export function sayEnd(messages: Messages, summary: RunSummary, output: string | undefined): void {
  const { lines, failed, resumedLines, tokens, cachedTokens, seconds } = summary
  if (summary.alreadyComplete) {
    messages.note(`${output} is complete already; nothing was done.`)
    return
  }
  const shared = cachedTokens > 0 ? ` (${withCommas(cachedTokens)} shared)` : ''
  const resumed = resumedLines > 0 ? `, after ${countLines(resumedLines)} of the earlier run` : ''
  const time = `${seconds.toFixed(1)} s, ${tokenRate(tokens, seconds * 1000)}`
  messages.note(`${countLines(lines - resumedLines)}, ${countTokens(tokens)}${shared} in ${time}${resumed}`)
  if (failed > 0) {
    messages.warn(`${withCommas(failed)} of ${countLines(lines)} failed; see the errors in the output.`)
  }
  if (summary.aborted && output !== undefined) {
    messages.note(`${countLines(lines)} saved; add --resume to the same command to go on.`)
  }
}
