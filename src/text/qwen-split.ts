// Cuts text where Qwen's split pattern does, in one pass: a regular expression backtracks over long runs.

/** The pattern as tokenizer.json spells it. */
export const qwenPattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

const letter = 1
const number = 2
const space = 3
const newline = 4
const other = 5
const end = 6

const apostrophe = 0x27
const blank = 0x20
const maxCodePoints = 0x110000

export class QwenSplit {
  /** Character kinds by code point, 0 while unknown; filled as characters are met. */
  private readonly kinds = new Uint8Array(maxCodePoints)

  /** Where the piece that starts at `start` ends. `text` has no lone surrogates and `start` is inside it. */
  next(text: string, start: number): number {
    const code = text.charCodeAt(start)
    const kind = this.kindAt(text, start)
    if (code === apostrophe) {
      const length = contraction(text, start + 1)
      if (length > 0) return start + 1 + length
    }
    if (kind === letter) return this.skip(text, start, letter)
    const after = start + charSize(code)
    if (kind === number) return after
    const following = this.kindAt(text, after)
    if (kind !== newline && following === letter) return this.skip(text, after, letter)
    if (kind === other || (code === blank && following === other)) {
      let stop = this.skip(text, after, other)
      while (this.kindAt(text, stop) === newline) stop++
      return stop
    }
    return this.whitespace(text, start)
  }

  /** `\s*[\r\n]+`, else `\s+(?!\S)`, else `\s+`: up to the last line break, else all but the blank before a word. */
  private whitespace(text: string, start: number): number {
    let lastBreak = -1
    let stop = start
    for (let kind = this.kindAt(text, stop); kind === space || kind === newline; kind = this.kindAt(text, stop)) {
      if (kind === newline) lastBreak = stop
      stop++
    }
    if (lastBreak >= 0) return lastBreak + 1
    return stop === text.length || stop === start + 1 ? stop : stop - 1
  }

  private skip(text: string, from: number, kind: number): number {
    let at = from
    while (this.kindAt(text, at) === kind) at += charSize(text.charCodeAt(at))
    return at
  }

  private kindAt(text: string, at: number): number {
    if (at >= text.length) return end
    const unit = text.charCodeAt(at)
    const code = charSize(unit) === 1 ? unit : (text.codePointAt(at) ?? unit)
    return this.kinds[code] || this.classify(code)
  }

  private classify(code: number): number {
    const kind = kindOf(String.fromCodePoint(code))
    this.kinds[code] = kind
    return kind
  }
}

function kindOf(char: string): number {
  if (char === '\r' || char === '\n') return newline
  if (/\p{White_Space}/u.test(char)) return space
  if (/\p{L}/u.test(char)) return letter
  return /\p{N}/u.test(char) ? number : other
}

/** UTF-16 units of the character that starts with this unit. */
function charSize(unit: number): 1 | 2 {
  return unit >= 0xd800 && unit < 0xdc00 ? 2 : 1
}

/** Length of s, t, m, d, re, ve or ll in any case at `at`, or 0. U+017F counts as s: it folds to it. */
function contraction(text: string, at: number): number {
  if (/[sStTmMdD\u017f]/.test(text.charAt(at))) return 1
  return /^(?:re|ve|ll)$/i.test(text.slice(at, at + 2)) ? 2 : 0
}
