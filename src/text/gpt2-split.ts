// Cuts text where GPT-2's split pattern does, which RoBERTa's tokenizers have too, in one pass.

import { CharacterKinds, letter, newline, number, other, space } from './character-kinds.js'
import type { TextSplit } from './text-split.js'

/*
 * The pattern, which tokenizer.json does not spell:
 * 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
 */

const blank = 0x20

export class Gpt2Split implements TextSplit {
  private readonly kinds = new CharacterKinds()

  next(text: string, start: number): number {
    const ofContraction = contraction(text, start)
    if (ofContraction > 0) return start + ofContraction
    const from = text.charCodeAt(start) === blank ? start + 1 : start
    const kind = this.kinds.at(text, from)
    if (kind === letter || kind === number || kind === other) return this.kinds.skip(text, from, kind)
    return this.whitespace(text, start)
  }

  /** All of it at the end of the text, else all but the last character, which may belong to the word behind it. */
  private whitespace(text: string, start: number): number {
    let stop = start
    for (let kind = this.kinds.at(text, stop); kind === space || kind === newline; kind = this.kinds.at(text, stop))
      stop++
    return stop === text.length || stop === start + 1 ? stop : stop - 1
  }
}

/** Length of a contraction that starts at `at`, or 0; only lower case counts. */
function contraction(text: string, at: number): number {
  if (text.charAt(at) !== "'") return 0
  if (/^[stmd]$/.test(text.charAt(at + 1))) return 2
  return /^(?:re|ve|ll)$/.test(text.slice(at + 1, at + 3)) ? 3 : 0
}
