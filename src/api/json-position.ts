// Where a text stops being JSON. JSON.parse knows, but its messages repeat the text and often leave the position out.

/** Only for text that JSON.parse has refused, and whose nesting is known to be bounded. Returns an index up to its length. */
export function findSyntaxError(text: string): number {
  const reader = new Reader(text)
  // After a whole value only white space may follow; what stands there is the mistake.
  if (reader.value()) reader.skip(space)
  return reader.position
}

const space = /[ \t\r\n]*/y
const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const escaped = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings end at control characters.
const characters = /[^"\\\u0000-\u001f]+/y
const literals = ['true', 'false', 'null']

/** Each method moves past what it names, or stops at the first wrong character and returns false. */
class Reader {
  position = 0
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.position
    const found = pattern.test(this.#text)
    if (found) this.position = pattern.lastIndex
    return found
  }

  value(): boolean {
    this.skip(space)
    const first = this.#text[this.position]
    if (first === '"') return this.#string()
    if (first === '[') return this.#members('[', ']', () => this.value())
    if (first === '{') return this.#members('{', '}', () => this.#property())
    return this.skip(number) || literals.some((literal) => this.#take(literal))
  }

  #property(): boolean {
    this.skip(space)
    if (!this.#string()) return false
    this.skip(space)
    return this.#take(':') && this.value()
  }

  #members(open: string, close: string, member: () => boolean): boolean {
    this.#take(open)
    this.skip(space)
    if (this.#take(close)) return true
    do {
      if (!member()) return false
      this.skip(space)
    } while (this.#take(','))
    return this.#take(close)
  }

  #string(): boolean {
    if (!this.#take('"')) return false
    while (this.skip(characters) || this.skip(escaped));
    return this.#take('"')
  }

  #take(expected: string): boolean {
    const found = this.#text.startsWith(expected, this.position)
    if (found) this.position += expected.length
    return found
  }
}
