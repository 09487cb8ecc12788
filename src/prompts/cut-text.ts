// Shortening texts before they are put into a prompt, in whole characters.

import type { Tokenizer } from '../text/tokenizer.js'

export type CutSide = 'left' | 'right'

/** At most `numUnits` UTF-16 units of a text: its start, or with `left` its end. No character is split. */
export function cutToUnits(text: string, numUnits: number, side: CutSide = 'right'): string {
  if (text.length <= numUnits) return text
  return side === 'right'
    ? text.slice(0, boundary(text, numUnits, -1))
    : text.slice(boundary(text, text.length - numUnits, 1))
}

/** The start of a text, as long as `maxTokens` tokens of it reach. */
export function cutToTokens(text: string, maxTokens: number, tokenizer: Tokenizer): string {
  const near = cutToUnits(text, (maxTokens + 1) * tokenizer.maxTokenChars)
  const ids = tokenizer.encode(near)
  if (ids.length <= maxTokens) return near
  // The last token may end within a character.
  const kept = tokenizer.decode(ids.slice(0, maxTokens)).replace(/\uFFFD+$/, '')
  for (const source of [near, near.normalize('NFC')]) if (source.startsWith(kept)) return kept
  // A tokenizer that changes texts, such as one that writes them in lower case.
  return longestCut(near, 'right', (start) => tokenizer.encode(start).length <= maxTokens)
}

/** The longest start of a text (with `left`: the longest end) for which `fits` holds; empty when it holds for none. */
export function longestCut(text: string, side: CutSide, fits: (cut: string) => boolean): string {
  let fitting = 0
  let tooLong = text.length + 1
  while (tooLong - fitting > 1) {
    const middle = (fitting + tooLong) >> 1
    if (fits(cutToUnits(text, middle, side))) fitting = middle
    else tooLong = middle
  }
  return cutToUnits(text, fitting, side)
}

/** The place itself, or the next one in this direction where it would split a surrogate pair. */
function boundary(text: string, at: number, step: 1 | -1): number {
  const splitsPair = /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at))
  return splitsPair ? at + step : at
}
