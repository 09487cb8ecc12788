// The flag --random-range-ratio, within its bounds.

import { parseRangeRatio } from '../bench/datasets/flag-values.js'
import { QvlError } from '../errors.js'

/** No spread when absent. Throws USAGE. */
export function readRangeRatio(text: string | undefined): { input: number; output: number } {
  const value = text === undefined ? 0 : parseRangeRatio(text)
  const ratio = typeof value === 'number' ? { input: value, output: value } : value
  if (isRatio(ratio.input) && isRatio(ratio.output)) return ratio
  throw new QvlError('USAGE', {
    what: `--random-range-ratio does not take the value ${JSON.stringify(text)}.`,
    why: 'It is a number from 0 to 0.999, or {"input": A, "output": B} with two of them.',
    do: 'Correct the value.',
    param: '--random-range-ratio',
  })
}

const isRatio = (value: number): boolean => value >= 0 && value < 1
