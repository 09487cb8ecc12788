// How many tokens at the start of a prompt other prompts are likely to begin with too.

import type { RichText } from '../text/rich-text.js'

/** Counts the tokens of a prompt that come from its head alone; a token that reaches beyond the head is not one. */
export type CountPrefix = (head: RichText, ids: ArrayLike<number>) => number

/** The pairs of a request have the head in common, so the last one is remembered. */
export function prefixCounter(encode: (head: RichText) => readonly number[]): CountPrefix {
  let last: { head: RichText; ids: readonly number[] } | undefined
  return (head, ids) => {
    if (last === undefined || !isSame(last.head, head)) last = { head, ids: encode(head) }
    return commonStart(last.ids, ids)
  }
}

export function commonStart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const end = Math.min(a.length, b.length)
  let length = 0
  while (length < end && a[length] === b[length]) length++
  return length
}

const isSame = (a: RichText, b: RichText): boolean =>
  a.length === b.length && a.every(({ text, from }, index) => b[index]!.from === from && b[index]!.text === text)
