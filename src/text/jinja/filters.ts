// Jinja's filters, as far as chat and score templates use them.

import type { Budget } from './budget.js'
import { fault } from './fault.js'
import { toJson } from './json.js'
import { attributePath, joined } from './methods.js'
import { capitalize, percentFormat, replace, roundHalfEven, strip } from './python-text.js'
import { findTest, type Test } from './tests.js'
import {
  type Call,
  compare,
  display,
  entries,
  equal,
  Float,
  iterate,
  numeric,
  truthy,
  typeName,
  type Value,
} from './values.js'

/** `call.args[0]` is the filtered value. */
export type Filter = (call: Call, budget: Budget) => Value

export const findFilter = (name: string): Filter | undefined => filters.get(name)

const filters: ReadonlyMap<string, Filter> = new Map(
  Object.entries<Filter>({
    default: orDefault,
    d: orDefault,
    first: (call, budget) => entries(call.args[0], budget)[0],
    last: (call, budget) => entries(call.args[0], budget).at(-1),
    length: count,
    count,
    list: (call, budget) => [...iterate(call.args[0], budget)],
    join: joinFilter,
    map: mapFilter,
    select: (call, budget) => choose(call, budget, true),
    reject: (call, budget) => choose(call, budget, false),
    selectattr: (call, budget) => chooseByAttribute(call, budget, true),
    rejectattr: (call, budget) => chooseByAttribute(call, budget, false),
    sort: sortFilter,
    dictsort: (call, budget) =>
      sorted(items(call, budget), call, budget, (pair) => (Array.isArray(pair) ? pair[0] : pair)),
    items,
    unique,
    reverse: (call, budget) => [...iterate(call.args[0], budget)].reverse(),
    min: (call, budget) => sortFilter({ args: [call.args[0]], named: call.named }, budget)[0],
    max: (call, budget) => sortFilter({ args: [call.args[0]], named: call.named }, budget).at(-1),
    sum: (call, budget) => iterate(call.args[0], budget).reduce<number>((sum, one) => sum + number(one), 0),
    tojson: (call, budget) => toJson(call.args[0], call, budget),
    string: (call, budget) => display(call.args[0], budget),
    safe: (call) => call.args[0],
    trim: textFilter((text, call) => strip(text, optionalText(call, 1, 'chars'))),
    upper: textFilter((text) => text.toUpperCase()),
    lower: textFilter((text) => text.toLowerCase()),
    capitalize: textFilter(capitalize),
    title: textFilter((text) => text.replace(/[^-\s({[<]+/g, capitalize)),
    escape: textFilter(escapeHtml),
    e: textFilter(escapeHtml),
    indent: indentFilter,
    format: (call, budget) => percentFormat(display(call.args[0], budget), call.args.slice(1), budget),
    replace: (call, budget) =>
      replace(display(call.args[0], budget), text(call, 1), text(call, 2), number(call.args[3] ?? -1), budget),
    int: (call) => toInt(call.args[0]) ?? call.args[1] ?? call.named.get('default') ?? 0,
    float: (call) => toFloat(call.args[0]) ?? call.args[1] ?? call.named.get('default') ?? new Float(0),
    abs: (call) =>
      call.args[0] instanceof Float ? new Float(Math.abs(call.args[0].value)) : Math.abs(number(call.args[0])),
    round,
  }),
)

function orDefault(call: Call): Value {
  const [value, fallback = call.named.get('default_value') ?? '', flag = call.named.get('boolean')] = call.args
  return value === undefined || (truthy(flag) && !truthy(value)) ? fallback : value
}

function count(call: Call, budget: Budget): number {
  const [value] = call.args
  return value instanceof Map ? value.size : entries(value, budget).length
}

function joinFilter(call: Call, budget: Budget): string {
  const by = call.named.get('attribute') ?? call.args[2]
  const list = iterate(call.args[0], budget)
  const shown = by === undefined ? list : list.map((one) => attributePath(one, by, budget))
  return joined(shown, display(call.args[1] ?? call.named.get('d'), budget), budget)
}

/** `map(attribute=…)`, or `map('filter', …)`. */
function mapFilter(call: Call, budget: Budget): Value[] {
  const [value, name, ...rest] = call.args
  const list = iterate(value, budget)
  const by = call.named.get('attribute')
  if (by !== undefined) return list.map((one) => attributePath(one, by, budget) ?? call.named.get('default'))
  const filter =
    findFilter(display(name, budget)) ??
    fault(`The filter map names the filter ${display(name, budget)}, which is unknown.`)
  return list.map((one) => filter({ args: [one, ...rest], named: call.named }, budget))
}

function choose(call: Call, budget: Budget, wanted: boolean): Value[] {
  const [value, name, argument] = call.args
  const test = namedTest(name, budget)
  return iterate(value, budget).filter((one) => test(one, argument, budget) === wanted)
}

function chooseByAttribute(call: Call, budget: Budget, wanted: boolean): Value[] {
  const [value, by, name, argument] = call.args
  const test = namedTest(name, budget)
  return iterate(value, budget).filter((one) => test(attributePath(one, by, budget), argument, budget) === wanted)
}

function namedTest(name: Value, budget: Budget): Test {
  if (name === undefined) return truthy
  return findTest(display(name, budget)) ?? fault(`It uses the test ${display(name, budget)}, which is unknown.`)
}

function sortFilter(call: Call, budget: Budget): Value[] {
  const by = call.named.get('attribute') ?? call.args[3]
  return sorted(call.args[0], call, budget, (one) => (by === undefined ? one : attributePath(one, by, budget)))
}

function sorted(list: Value, call: Call, budget: Budget, keyOf: (one: Value) => Value): Value[] {
  const sign = truthy(call.named.get('reverse') ?? call.args[1]) ? -1 : 1
  const caseSensitive = truthy(call.named.get('case_sensitive') ?? call.args[2])
  const fold = (key: Value) => (typeof key === 'string' && !caseSensitive ? budget.text(key.toLowerCase()) : key)
  return iterate(list, budget)
    .map((value) => ({ value, key: fold(keyOf(value)) }))
    .sort((a, b) => sign * compare(a.key, b.key))
    .map((entry) => entry.value)
}

function items(call: Call, budget: Budget): Value[] {
  const [value] = call.args
  if (value === undefined) return []
  return value instanceof Map ? budget.list(Array.from(value)) : fault(`It takes the items of ${typeName(value)}.`)
}

function unique(call: Call, budget: Budget): Value[] {
  const seen: Value[] = []
  for (const one of iterate(call.args[0], budget)) {
    if (!seen.some((other) => equal(one, other, budget))) seen.push(one)
  }
  return seen
}

function indentFilter(call: Call, budget: Budget): string {
  const width = call.args[1] ?? call.named.get('width') ?? 4
  const [first, blank] = [call.args[2] ?? call.named.get('first'), call.args[3] ?? call.named.get('blank')]
  const lines = display(call.args[0], budget).split('\n')
  const length = typeof width === 'string' ? width.length : number(width)
  budget.chars(lines.length * length)
  const margin = typeof width === 'string' ? width : ' '.repeat(Math.max(0, Math.trunc(length)))
  const isIndented = (line: string, i: number) => (i > 0 || truthy(first)) && (line !== '' || truthy(blank))
  return budget.text(lines.map((line, i) => (isIndented(line, i) ? margin + line : line)).join('\n'))
}

function round(call: Call): Value {
  const precision = number(call.args[1] ?? call.named.get('precision') ?? 0)
  const method = call.args[2] ?? call.named.get('method') ?? 'common'
  const scale = 10 ** precision
  const value = number(call.args[0])
  if (method === 'ceil') return new Float(Math.ceil(value * scale) / scale)
  if (method === 'floor') return new Float(Math.floor(value * scale) / scale)
  return roundHalfEven(value, precision)
}

function toInt(value: Value): number | undefined {
  const number = toFloat(value)?.value
  return number === undefined || !Number.isSafeInteger(Math.trunc(number)) ? undefined : Math.trunc(number)
}

function toFloat(value: Value): Float | undefined {
  if (typeof value !== 'string') {
    const number = numeric(value)
    return number === undefined ? undefined : new Float(number)
  }
  const text = strip(value)
  return /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i.test(text) ? new Float(Number(text)) : undefined
}

function textFilter(inner: (text: string, call: Call) => string): Filter {
  return (call, budget) => budget.text(inner(display(call.args[0], budget), call))
}

function escapeHtml(text: string): string {
  const entities = new Map([
    ['&', '&amp;'],
    ['<', '&lt;'],
    ['>', '&gt;'],
    ['"', '&#34;'],
    ["'", '&#39;'],
  ])
  return text.replace(/[&<>"']/g, (char) => entities.get(char) ?? char)
}

function text(call: Call, at: number): string {
  return optionalText(call, at, '') ?? fault('It calls a filter without its argument.')
}

function optionalText(call: Call, at: number, name: string): string | undefined {
  const value = call.args[at] ?? call.named.get(name)
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : fault(`It calls a text filter with ${typeName(value)}.`)
}

function number(value: Value): number {
  return numeric(value) ?? fault(`It takes ${typeName(value)} for a number.`)
}
