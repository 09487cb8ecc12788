// JSON in and out of templates: variables, and the `tojson` filter as transformers defines it.

import type { Budget } from './budget.js'
import { fault } from './fault.js'
import { type Call, Callable, Float, floatText, Namespace, typeName, type Value } from './values.js'

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined }

/** Nesting of variables; requests are flatter. */
const maxVariableDepth = 100
const maxIndent = 16

export function fromJson(json: JsonValue | undefined, depth = 0): Value {
  if (depth > maxVariableDepth) fault(`A variable nests more than ${maxVariableDepth} levels deep.`)
  if (typeof json === 'number') return Number.isInteger(json) ? json : new Float(json)
  if (typeof json !== 'object' || json === null) return json
  if (isList(json)) return json.map((item) => fromJson(item, depth + 1))
  return new Map(Object.entries(json).map(([key, item]) => [key, fromJson(item, depth + 1)]))
}

/** Characters of text in a value, keys included. */
export function countChars(json: JsonValue | undefined): number {
  if (typeof json === 'string') return json.length
  if (typeof json !== 'object' || json === null) return 0
  if (isList(json)) return json.reduce<number>((sum, item) => sum + countChars(item), 0)
  return Object.entries(json).reduce((sum, [key, item]) => sum + key.length + countChars(item), 0)
}

const isList = (json: object): json is readonly JsonValue[] => Array.isArray(json)

interface JsonStyle {
  /** Spaces per level, or undefined for one line. */
  indent: number | undefined
  ascii: boolean
  sortKeys: boolean
  itemSeparator: string
  keySeparator: string
}

export function toJson(value: Value, call: Call, budget: Budget): string {
  const indent = call.named.get('indent') ?? call.args[1]
  const separators = call.named.get('separators')
  const [itemSeparator, keySeparator] = Array.isArray(separators) ? separators : [undefined, undefined]
  if (indent !== undefined && indent !== null && !(typeof indent === 'number' && indent >= 0 && indent <= maxIndent)) {
    fault(`The filter tojson takes an indent from 0 to ${maxIndent}.`)
  }
  const style: JsonStyle = {
    indent: typeof indent === 'number' ? indent : undefined,
    ascii: call.named.get('ensure_ascii') === true,
    sortKeys: call.named.get('sort_keys') === true,
    itemSeparator: typeof itemSeparator === 'string' ? itemSeparator : typeof indent === 'number' ? ',' : ', ',
    keySeparator: typeof keySeparator === 'string' ? keySeparator : ': ',
  }
  return write(value, style, budget, '\n')
}

function write(value: Value, style: JsonStyle, budget: Budget, margin: string): string {
  budget.step()
  if (value === undefined) return fault('The filter tojson got an undefined value.')
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return String(value)
  if (value instanceof Float) return floatText(value.value)
  if (typeof value === 'string') return budget.text(writeString(value, style))
  if (value instanceof Callable || value instanceof Namespace) return fault(`The filter tojson got ${typeName(value)}.`)
  const inside = style.indent === undefined ? '' : margin + ' '.repeat(style.indent)
  const inner = (item: Value) => budget.nested(() => write(item, style, budget, inside))
  const isArray = Array.isArray(value)
  const parts = isArray
    ? value.map(inner)
    : entries(value, style).map(([key, item]) => writeString(key, style) + style.keySeparator + inner(item))
  const [open, close] = isArray ? '[]' : '{}'
  if (parts.length === 0) return `${open}${close}`
  const outside = style.indent === undefined ? '' : margin
  return budget.text(open + inside + parts.join(style.itemSeparator + inside) + outside + close)
}

function entries(dict: ReadonlyMap<string, Value>, style: JsonStyle): [string, Value][] {
  const list = [...dict]
  return style.sortKeys ? list.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)) : list
}

function writeString(text: string, style: JsonStyle): string {
  const json = JSON.stringify(text)
  if (!style.ascii) return json
  return json.replace(/[\u007f-\uffff]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
