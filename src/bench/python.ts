// Values as Python writes them: repr() on the screen, json.dumps() in result files.

/** A number that is a float in Python, whatever its value: 1.0 is not 1. */
export class PythonFloat {
  constructor(readonly value: number) {}
}

export type PythonValue =
  | null
  | boolean
  | number
  | string
  | PythonFloat
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue }

/** `float.__repr__`: the shortest digits that read back, with an exponent below 1e-4 and from 1e16 on. */
export function floatRepr(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0.0'
  if (value === 0) return '0.0'
  const [digits, exponent] = value.toExponential().split('e') as [string, string]
  const power = Number(exponent)
  if (power >= -4 && power < 16) return plainDecimal(value)
  const sign = power < 0 ? '-' : '+'
  return `${digits}e${sign}${String(Math.abs(power)).padStart(2, '0')}`
}

/** `repr()`: what print shows of the values in a namespace. */
export function pythonRepr(value: PythonValue): string {
  if (value === null) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return stringRepr(value)
  if (value instanceof PythonFloat) return floatRepr(value.value)
  if (isList(value)) return `[${value.map(pythonRepr).join(', ')}]`
  const entries = Object.entries(value).map(([key, item]) => `${stringRepr(key)}: ${pythonRepr(item)}`)
  return `{${entries.join(', ')}}`
}

/** `json.dumps()`: one line, a space after each comma and colon, ASCII only. */
export function pythonJson(value: PythonValue): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value)
  if (typeof value === 'string') return asciiString(value)
  if (value instanceof PythonFloat) return jsonFloat(value.value)
  if (isList(value)) return `[${value.map(pythonJson).join(', ')}]`
  const entries = Object.entries(value).map(([key, item]) => `${asciiString(key)}: ${pythonJson(item)}`)
  return `{${entries.join(', ')}}`
}

/** `format(value, '.2f')`: the exact value rounded, halves to even where JavaScript rounds up. */
export function fixed2(value: number): string {
  // Only odd eighths lie half way between two hundredths, and 100 times an eighth is exact.
  if (!Number.isInteger(value * 8) || Number.isInteger(value * 4)) return value.toFixed(2)
  const below = Math.floor(value * 100)
  return ((below % 2 === 0 ? below : below + 1) / 100).toFixed(2)
}

/** `strftime('%Y%m%d-%H%M%S')` in local time. */
export function timeStamp(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}${two(date.getMonth() + 1)}${two(date.getDate())}`
  return `${day}-${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`
}

/** JavaScript has no exponent from 1e-6 to 1e21, so the range of Python's plain form is written plainly. */
function plainDecimal(value: number): string {
  const text = String(value)
  return text.includes('.') ? text : `${text}.0`
}

/** JSON has no infinity; Python writes it all the same, under names of its own. */
function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity'
  return floatRepr(value)
}

const asciiString = (text: string): string =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (character) =>
    // The last of ASCII is no control character to Python's json.
    character === '\u007f' ? character : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const escapes = new Map([
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
])

/** Single quotes, unless the text has one and no double quote. */
function stringRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that repr escapes
  const escaped = text.replace(/[\\\u0000-\u001f\u007f-\u00a0]/g, (character) => {
    return escapes.get(character) ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })
  return quote + (quote === "'" ? escaped.replaceAll("'", "\\'") : escaped) + quote
}

const isList = (value: PythonValue): value is readonly PythonValue[] => Array.isArray(value)
