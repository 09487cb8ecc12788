// What kind of character stands where in a text, for the split patterns of byte-level BPE.

export const letter = 1
export const number = 2
export const space = 3
export const newline = 4
export const other = 5
export const end = 6

const maxCodePoints = 0x110000

/** A table by code point, 0 while unknown; filled as characters are met. */
export class CharacterKinds {
  private readonly kinds = new Uint8Array(maxCodePoints)

  /** `end` behind the text. `text` has no lone surrogates. */
  at(text: string, at: number): number {
    if (at >= text.length) return end
    const unit = text.charCodeAt(at)
    const code = charSize(unit) === 1 ? unit : (text.codePointAt(at) ?? unit)
    return this.kinds[code] || this.classify(code)
  }

  /** Where the characters of this kind from `from` on end. */
  skip(text: string, from: number, kind: number): number {
    let at = from
    while (this.at(text, at) === kind) at += charSize(text.charCodeAt(at))
    return at
  }

  private classify(code: number): number {
    const kind = kindOf(String.fromCodePoint(code))
    this.kinds[code] = kind
    return kind
  }
}

/** UTF-16 units of the character that starts with this unit. */
export function charSize(unit: number): 1 | 2 {
  return unit >= 0xd800 && unit < 0xdc00 ? 2 : 1
}

function kindOf(char: string): number {
  if (char === '\r' || char === '\n') return newline
  if (/\p{White_Space}/u.test(char)) return space
  if (/\p{L}/u.test(char)) return letter
  return /\p{N}/u.test(char) ? number : other
}
