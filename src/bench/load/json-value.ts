// One value of a long JSON text, found by its brackets and quotes.

const quote = 0x22
const backslash = 0x5c
const colon = 0x3a
/** Of ASCII, [ and { differ in one bit, and so do ] and }. */
const caseBit = 0x20
const opens = (byte: number | undefined): boolean => byte !== undefined && (byte | caseBit) === 0x7b
const closes = (byte: number): boolean => (byte | caseBit) === 0x7d

/**
 * The text of the member `name` of the outermost object: empty when it has none, undefined when brackets or quotes do
 * not close. Numbers and words are not looked at.
 */
export function topLevelValue(body: Buffer, name: string): string | undefined {
  const start = afterSpace(body, 0)
  if (!opens(body[start])) return undefined
  let found = ''
  let depth = 0
  for (let at = start; at < body.length; at++) {
    const byte = body[at]!
    if (byte === quote) {
      const end = stringEnd(body, at)
      if (end === -1) return undefined
      if (depth === 1 && end - at - 1 === name.length && body.toString('latin1', at + 1, end) === name) {
        const value = memberValue(body, end + 1)
        if (value !== undefined) found = value
      }
      at = end
    } else if (opens(byte)) {
      depth++
    } else if (closes(byte) && --depth === 0) {
      return afterSpace(body, at + 1) === body.length ? found : undefined
    }
  }
  return undefined
}

/** An object or array after a colon; undefined when the string before was no name of such a member. */
function memberValue(body: Buffer, after: number): string | undefined {
  const mark = afterSpace(body, after)
  const start = afterSpace(body, mark + 1)
  if (body[mark] !== colon || !opens(body[start])) return undefined
  let depth = 0
  for (let at = start; at < body.length; at++) {
    const byte = body[at]!
    if (byte === quote) at = stringEnd(body, at)
    if (at === -1) return undefined
    if (opens(byte)) depth++
    else if (closes(byte) && --depth === 0) return body.toString('utf8', start, at + 1)
  }
  return undefined
}

/** Position of the quote that closes the string opened at `at`, or -1. */
function stringEnd(body: Buffer, at: number): number {
  let end = body.indexOf(quote, at + 1)
  while (end !== -1 && isEscaped(body, end)) end = body.indexOf(quote, end + 1)
  return end
}

function isEscaped(body: Buffer, at: number): boolean {
  let backslashes = 0
  while (body[at - 1 - backslashes] === backslash) backslashes++
  return backslashes % 2 === 1
}

function afterSpace(body: Buffer, from: number): number {
  let at = from
  while (at < body.length && body[at]! <= 0x20) at++
  return at
}
