// Finds added tokens such as `<|im_end|>`, and only where the template wrote them: in user text they are plain
// characters (CVE-2026-44222).

import type { RichText, Segment } from './rich-text.js'

export interface AddedToken {
  id: number
  content: string
  /** Left out by `skipSpecialTokens`. */
  special: boolean
  /** Only between characters that are not part of a word. */
  singleWord: boolean
  /** Takes the whitespace before it along. */
  lstrip: boolean
  /** Takes the whitespace after it along. */
  rstrip: boolean
  /** Looked for in normalised text, with its own content normalised. */
  normalized: boolean
}

/** Ids of added tokens, and between them runs of plain text. */
export type TokenRun = number | string

export class AddedTokens {
  private readonly verbatim: TokenFinder
  private readonly normalized: TokenFinder

  constructor(
    tokens: readonly AddedToken[],
    private readonly normalize: (text: string) => string,
  ) {
    const keyed = (wanted: boolean, key: (content: string) => string) =>
      new Map(tokens.filter((token) => token.normalized === wanted).map((token) => [key(token.content), token]))
    this.verbatim = new TokenFinder(keyed(false, (content) => content))
    this.normalized = new TokenFinder(keyed(true, normalize))
  }

  /** Cuts a text at the added tokens in its template segments, as the Rust library cuts a whole text. */
  split(text: RichText): TokenRun[] {
    const parts = this.verbatim.cut(text)
    if (this.normalized.isEmpty) return joinText(parts)
    const grouped = groupSegments(parts)
    return joinText(grouped.flatMap((part) => (typeof part === 'number' ? [part] : this.cutNormalized(part))))
  }

  /** Normalising a piece by itself and again with its neighbours is the same as once with them. */
  private cutNormalized(run: RichText): (number | Segment)[] {
    return this.normalized.cut(
      run.map((segment) =>
        segment.from === 'user' ? segment : { from: segment.from, text: this.normalize(segment.text) },
      ),
    )
  }
}

interface Match {
  id: number
  start: number
  stop: number
}

class TokenFinder {
  private readonly pattern: RegExp

  constructor(private readonly tokens: ReadonlyMap<string, AddedToken>) {
    // Longest first: alternatives are tried in order, and the longest token at a position wins.
    const contents = [...tokens.keys()].sort((a, b) => b.length - a.length)
    this.pattern = new RegExp(contents.map(escaped).join('|'), 'gu')
  }

  get isEmpty(): boolean {
    return this.tokens.size === 0
  }

  cut(text: RichText): (number | Segment)[] {
    return this.isEmpty ? [...text] : cutAt(text, this.find(text))
  }

  private find(text: RichText): Match[] {
    const whole = text.map((segment) => segment.text).join('')
    const matches: Match[] = []
    let done = 0
    for (const range of templateRanges(text)) {
      for (const found of whole.slice(range.start, range.stop).matchAll(this.pattern)) {
        const token = this.tokens.get(found[0])
        if (token === undefined) continue
        const start = range.start + found.index
        const match = extended(whole, { id: token.id, start, stop: start + found[0].length }, token, done)
        if (match === undefined) continue
        matches.push(match)
        done = match.stop
      }
    }
    return matches
  }
}

/** The match with the whitespace that its token takes along, or undefined when it may not stand here. */
function extended(whole: string, match: Match, token: AddedToken, done: number): Match | undefined {
  if (match.start < done) return undefined
  const { start, stop } = match
  if (token.singleWord && (wordBefore(whole, start) || wordAfter(whole, stop))) return undefined
  return {
    id: match.id,
    start: token.lstrip ? Math.max(done, startOfBlanks(whole, start)) : start,
    stop: token.rstrip ? endOfBlanks(whole, stop) : stop,
  }
}

/** Stretches of template text; neighbouring template segments count as one. */
function templateRanges(text: RichText): { start: number; stop: number }[] {
  const ranges: { start: number; stop: number }[] = []
  let at = 0
  let open: { start: number; stop: number } | undefined
  for (const segment of text) {
    const stop = at + segment.text.length
    if (segment.from === 'user') {
      open = undefined
    } else if (open === undefined) {
      open = { start: at, stop }
      ranges.push(open)
    } else {
      open.stop = stop
    }
    at = stop
  }
  return ranges
}

function cutAt(text: RichText, matches: readonly Match[]): (number | Segment)[] {
  const parts: (number | Segment)[] = []
  let offset = 0
  let next = 0
  for (const segment of text) {
    const stop = offset + segment.text.length
    let at = offset
    for (let match = matches[next]; match !== undefined && match.start < stop; match = matches[next]) {
      if (match.start >= offset) {
        parts.push({ from: segment.from, text: segment.text.slice(at - offset, match.start - offset) }, match.id)
      }
      at = Math.min(match.stop, stop)
      // A match may end in a later segment, when it takes whitespace along.
      if (match.stop > stop) break
      next++
    }
    parts.push({ from: segment.from, text: segment.text.slice(at - offset) })
    offset = stop
  }
  return parts
}

function groupSegments(parts: readonly (number | Segment)[]): (number | Segment[])[] {
  const groups: (number | Segment[])[] = []
  for (const part of parts) {
    const last = groups.at(-1)
    if (typeof part === 'number') groups.push(part)
    else if (Array.isArray(last)) last.push(part)
    else groups.push([part])
  }
  return groups
}

function joinText(parts: readonly (number | Segment)[]): TokenRun[] {
  return groupSegments(parts)
    .map((part) => (typeof part === 'number' ? part : part.map((segment) => segment.text).join('')))
    .filter((part) => part !== '')
}

function escaped(content: string): string {
  return content.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

const word = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]'

function wordBefore(text: string, at: number): boolean {
  // Two units are enough for one character.
  return new RegExp(`${word}$`, 'u').test(text.slice(Math.max(0, at - 2), at))
}

function wordAfter(text: string, at: number): boolean {
  return new RegExp(`^${word}`, 'u').test(text.slice(at, at + 2))
}

function startOfBlanks(text: string, at: number): number {
  let start = at
  while (start > 0 && isBlank(text.charAt(start - 1))) start--
  return start
}

function endOfBlanks(text: string, at: number): number {
  let stop = at
  while (stop < text.length && isBlank(text.charAt(stop))) stop++
  return stop
}

function isBlank(char: string): boolean {
  return /\p{White_Space}/u.test(char)
}
