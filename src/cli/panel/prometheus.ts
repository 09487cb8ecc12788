// Reads metrics in Prometheus' text format: https://prometheus.io/docs/instrumenting/exposition_formats/

/** One line of the text: a name, its labels, and a number. */
export interface Series {
  name: string
  labels: ReadonlyMap<string, string>
  value: number
}

/** Comments and lines that are no series are left out: one odd line must not hide the others. */
export function parseMetrics(text: string): Series[] {
  return text.split('\n').flatMap((line) => parseLine(line.trim()) ?? [])
}

const namePattern = /[a-zA-Z_:][a-zA-Z0-9_:]*/y
const labelPattern = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))/y
const closePattern = /\s*\}/y
/** A timestamp may follow, and in OpenMetrics an exemplar. */
const valuePattern = /\s*(\S+)(\s+-?\d+(\.\d+)?)?\s*(#.*)?$/y

function parseLine(line: string): Series | undefined {
  const name = take(namePattern, line, 0)
  if (name === undefined) return undefined
  let at = name[0].length
  const labels = new Map<string, string>()
  if (line[at] === '{') {
    at += 1
    for (let label = take(labelPattern, line, at); label !== undefined; label = take(labelPattern, line, at)) {
      labels.set(label[1]!, unescaped(label[2]!))
      at += label[0].length
    }
    const close = take(closePattern, line, at)
    if (close === undefined) return undefined
    at += close[0].length
  } else if (!/\s/.test(line[at] ?? '')) {
    return undefined
  }
  const value = numberOf(take(valuePattern, line, at)?.[1])
  return value === undefined ? undefined : { name: name[0], labels, value }
}

function take(pattern: RegExp, line: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at
  return pattern.exec(line) ?? undefined
}

const unescaped = (text: string): string =>
  text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))

/** As Go's ParseFloat takes them, in so far as servers write them. */
function numberOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text)
  if (word !== null) {
    if (word[2]!.toLowerCase() === 'nan') return Number.NaN
    return word[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  }
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined
}
