// Unicode normal form C in linear time, with lone surrogates replaced.

/**
 * Longest run of combining marks left to the built-in normaliser. It sorts a run by insertion, which is quadratic:
 * a megabyte of alternating accents would take minutes. Real text stays below 30 (the Stream-Safe Text Format).
 */
const maxMarkRun = 64
/** The first combining mark. */
const firstMark = 0x300

/** U+FFFD for each lone surrogate, as UTF-8 encoders write it. */
export function withoutLoneSurrogates(text: string): string {
  return text.replace(/\p{Cs}/gu, '\ufffd')
}

export function toNfc(text: string): string {
  return sortedMarkRuns(text).normalize('NFC')
}

/** The text with its longest runs of combining marks decomposed and in canonical order already. */
function sortedMarkRuns(text: string): string {
  const marks = new MarkOrder()
  let out = ''
  let done = 0
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) < firstMark) continue
    const stop = marks.endOfRun(text, at)
    if (stop - at > maxMarkRun) {
      out += text.slice(done, at) + marks.sorted(text.slice(at, stop))
      done = stop
    }
    if (stop > at) at = stop - 1
  }
  return done === 0 ? text : out + text.slice(done)
}

/** Canonical ordering of combining marks, by asking the normaliser which of two marks it puts first. */
class MarkOrder {
  private readonly marks = new Map<number, boolean>()
  private readonly decompositions = new Map<string, readonly string[]>()
  private readonly starters = new Map<string, boolean>()

  /** Where the run of combining marks that starts at `start` ends. */
  endOfRun(text: string, start: number): number {
    let at = start
    while (at < text.length) {
      const code = text.codePointAt(at) ?? 0
      if (!this.isMark(code)) break
      at += code > 0xffff ? 2 : 1
    }
    return at
  }

  private isMark(code: number): boolean {
    const known = this.marks.get(code)
    if (known !== undefined) return known
    const mark = /\p{M}/u.test(String.fromCodePoint(code))
    this.marks.set(code, mark)
    return mark
  }

  /** The decomposed run with its marks in canonical order. */
  sorted(run: string): string {
    let out = ''
    let pending: string[] = []
    for (const char of run) {
      for (const part of this.decomposed(char)) {
        if (this.isStarter(part)) {
          out += this.ordered(pending) + part
          pending = []
        } else {
          pending.push(part)
        }
      }
    }
    return out + this.ordered(pending)
  }

  private decomposed(char: string): readonly string[] {
    const known = this.decompositions.get(char)
    if (known !== undefined) return known
    const parts = Array.from(char.normalize('NFD'))
    this.decompositions.set(char, parts)
    return parts
  }

  /** A stable bucket sort: marks of one class keep their order. */
  private ordered(marks: readonly string[]): string {
    const buckets = new Map<string, string[]>()
    let bucket: string[] = []
    let last = ''
    for (const mark of [...new Set(marks)].sort(compareClass)) {
      if (last !== '' && compareClass(last, mark) !== 0) bucket = []
      buckets.set(mark, bucket)
      last = mark
    }
    for (const mark of marks) buckets.get(mark)?.push(mark)
    return [...new Set(buckets.values())].map((same) => same.join('')).join('')
  }

  /** Whether a mark has combining class 0. U+0334 has the lowest class, U+0345 the highest. */
  private isStarter(char: string): boolean {
    const known = this.starters.get(char)
    if (known !== undefined) return known
    const starter = char !== '\u0345' && !swaps('\u0345', char) && !swaps(char, '\u0334') && char !== '\u0334'
    this.starters.set(char, starter)
    return starter
  }
}

function compareClass(a: string, b: string): number {
  return swaps(a, b) ? 1 : swaps(b, a) ? -1 : 0
}

function swaps(first: string, second: string): boolean {
  return first !== second && (first + second).normalize('NFD') === second + first
}
