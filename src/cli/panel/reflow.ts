// How lines come to lie when a terminal becomes narrower.

import { stripVTControlCharacters } from 'node:util'
import { widthOf } from './line.js'

export const lineColumns = (line: string): number => widthOf(stripVTControlCharacters(line))

/** Rows that lines of these widths take in a terminal that breaks what does not fit. */
export const rowsTaken = (widths: readonly number[], columns: number): number =>
  widths.reduce((rows, width) => rows + Math.max(1, Math.ceil(width / columns)), 0)
