// Cuts text where Qwen's split pattern does, in one pass: a regular expression backtracks over long runs.

import { CharacterKinds, charSize, letter, newline, number, other, space } from './character-kinds.js'
import type { TextSplit } from './text-split.js'

/** The pattern as tokenizer.json spells it. */
export const qwenPattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

const apostrophe = 0x27
const blank = 0x20

export class QwenSplit implements TextSplit {
  private readonly kinds = new CharacterKinds()

  next(text: string, start: number): number {
    const code = text.charCodeAt(start)
    const kind = this.kinds.at(text, start)
    if (code === apostrophe) {
      const length = contraction(text, start + 1)
      if (length > 0) return start + 1 + length
    }
    if (kind === letter) return this.kinds.skip(text, start, letter)
    const after = start + charSize(code)
    if (kind === number) return after
    const following = this.kinds.at(text, after)
    if (kind !== newline && following === letter) return this.kinds.skip(text, after, letter)
    if (kind === other || (code === blank && following === other)) {
      let stop = this.kinds.skip(text, after, other)
      while (this.kinds.at(text, stop) === newline) stop++
      return stop
    }
    return this.whitespace(text, start)
  }

  /** `\s*[\r\n]+`, else `\s+(?!\S)`, else `\s+`: up to the last line break, else all but the blank before a word. */
  private whitespace(text: string, start: number): number {
    let lastBreak = -1
    let stop = start
    for (let kind = this.kinds.at(text, stop); kind === space || kind === newline; kind = this.kinds.at(text, stop)) {
      if (kind === newline) lastBreak = stop
      stop++
    }
    if (lastBreak >= 0) return lastBreak + 1
    return stop === text.length || stop === start + 1 ? stop : stop - 1
  }
}

/** Length of s, t, m, d, re, ve or ll in any case at `at`, or 0. U+017F counts as s: it folds to it. */
function contraction(text: string, at: number): number {
  if (/[sStTmMdD\u017f]/.test(text.charAt(at))) return 1
  return /^(?:re|ve|ll)$/i.test(text.slice(at, at + 2)) ? 2 : 0
}
