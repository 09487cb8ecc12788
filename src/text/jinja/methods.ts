// Attributes and methods of values. Lists and dictionaries can be read but not changed, as in Jinja's immutable sandbox.

import type { Budget } from './budget.js'
import { fault } from './fault.js'
import { capitalize, replace, split, strip, title } from './python-text.js'
import { type Call, Callable, type Dict, display, equal, Namespace, typeName, type Value } from './values.js'

type Method<T> = (self: T, call: Call, budget: Budget) => Value

/** `value.name`: a method first, then a key. */
export function attribute(value: Value, name: string, budget: Budget): Value {
  if (value === undefined) return fault(`It reads .${name} of an undefined value.`)
  return method(value, name, budget) ?? item(value, name, budget)
}

/** `value[key]`: a key or position first, then a method. */
export function subscript(value: Value, key: Value, budget: Budget): Value {
  if (value === undefined) return fault('It reads an entry of an undefined value.')
  return item(value, key, budget) ?? (typeof key === 'string' ? method(value, key, budget) : undefined)
}

/** A dotted path such as `function.name` or `0.role`, as filters take it. */
export function attributePath(value: Value, path: Value, budget: Budget): Value {
  return display(path, budget)
    .split('.')
    .reduce<Value>(
      (at, key) => (at === undefined ? at : item(at, /^\d+$/.test(key) ? Number(key) : key, budget)),
      value,
    )
}

function item(value: Value, key: Value, budget: Budget): Value {
  if (value instanceof Map) return typeof key === 'string' ? value.get(key) : undefined
  if (value instanceof Namespace) return typeof key === 'string' ? value.fields.get(key) : undefined
  if (typeof key !== 'number') return undefined
  if (Array.isArray(value)) return value.at(key)
  if (typeof value !== 'string') return undefined
  budget.chars(value.length)
  return Array.from(value).at(key)
}

function method(value: Value, name: string, budget: Budget): Value {
  if (typeof value === 'string') return bound(stringMethods, value, name, budget)
  if (value instanceof Map) return bound(dictMethods, value, name, budget)
  return Array.isArray(value) ? bound(listMethods, value, name, budget) : undefined
}

function bound<T>(
  methods: ReadonlyMap<string, Method<T>>,
  self: T,
  name: string,
  budget: Budget,
): Callable | undefined {
  const found = methods.get(name)
  return found === undefined ? undefined : new Callable((call) => found(self, call, budget))
}

/** Counts the text that a string method reads, and the text that it returns. */
function counted(inner: Method<string>): Method<string> {
  return (self, call, budget) => {
    budget.chars(self.length)
    const result = inner(self, call, budget)
    return typeof result === 'string' ? budget.text(result) : Array.isArray(result) ? budget.list(result) : result
  }
}

const stringMethods: ReadonlyMap<string, Method<string>> = new Map(
  Object.entries<Method<string>>({
    upper: (self) => self.toUpperCase(),
    lower: (self) => self.toLowerCase(),
    title: (self) => title(self),
    capitalize: (self) => capitalize(self),
    strip: (self, call) => strip(self, optionalString(call, 0)),
    lstrip: (self, call) => strip(self, optionalString(call, 0), 'left'),
    rstrip: (self, call) => strip(self, optionalString(call, 0), 'right'),
    startswith: (self, call) => anyString(call, (part) => self.startsWith(part)),
    endswith: (self, call) => anyString(call, (part) => self.endsWith(part)),
    removeprefix: (self, call) => (self.startsWith(string(call, 0)) ? self.slice(string(call, 0).length) : self),
    removesuffix: (self, call) =>
      self.endsWith(string(call, 0)) ? self.slice(0, self.length - string(call, 0).length) : self,
    split: (self, call) => split(self, optionalString(call, 0, 'sep'), number(call, 1, 'maxsplit', -1)),
    rsplit: (self, call) => split(self, optionalString(call, 0, 'sep'), number(call, 1, 'maxsplit', -1), true),
    splitlines: (self) => self.replace(/(?:\r\n|\r|\n)$/, '').split(self === '' ? '' : /\r\n|\r|\n/),
    replace: (self, call, budget) =>
      replace(self, string(call, 0), string(call, 1), number(call, 2, 'count', -1), budget),
    join: (self, call, budget) => joined(call.args[0], self, budget),
    find: (self, call) => self.indexOf(string(call, 0)),
    count: (self, call) => self.split(string(call, 0)).length - 1,
    isdigit: (self) => /^\p{Nd}+$/u.test(self),
    isalpha: (self) => /^\p{L}+$/u.test(self),
    isspace: (self) => self !== '' && strip(self) === '',
  }).map(([name, inner]) => [name, counted(inner)]),
)

const dictMethods: ReadonlyMap<string, Method<Dict>> = new Map<string, Method<Dict>>([
  ['get', (self, call) => (self.has(string(call, 0)) ? self.get(string(call, 0)) : (call.args[1] ?? null))],
  ['items', (self, _, budget) => budget.list(Array.from(self))],
  ['keys', (self, _, budget) => budget.list([...self.keys()])],
  ['values', (self, _, budget) => budget.list([...self.values()])],
])

const listMethods: ReadonlyMap<string, Method<Value[]>> = new Map<string, Method<Value[]>>([
  ['index', (self, call, budget) => budget.list(self).findIndex((one) => equal(one, call.args[0], budget))],
  ['count', (self, call, budget) => budget.list(self).filter((one) => equal(one, call.args[0], budget)).length],
])

/** Entries as text, with a separator between them; the length is counted before the text is made. */
export function joined(list: Value, separator: string, budget: Budget): string {
  if (!Array.isArray(list)) return fault(`It joins ${typeName(list)}.`)
  const texts = budget.list(list).map((entry) => display(entry, budget))
  const gaps = Math.max(0, texts.length - 1) * separator.length
  budget.chars(texts.reduce((sum, text) => sum + text.length, gaps))
  return texts.join(separator)
}

function string(call: Call, at: number): string {
  return optionalString(call, at) ?? fault('It calls a string method without its argument.')
}

function optionalString(call: Call, at: number, name = ''): string | undefined {
  const value = call.args[at] ?? call.named.get(name)
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : fault(`It calls a string method with ${typeName(value)}.`)
}

function number(call: Call, at: number, name: string, fallback: number): number {
  const value = call.args[at] ?? call.named.get(name) ?? fallback
  return typeof value === 'number' ? value : fault(`It calls a string method with ${typeName(value)} for a number.`)
}

/** startswith and endswith take one string or several. */
function anyString(call: Call, matches: (part: string) => boolean): boolean {
  const parts = Array.isArray(call.args[0]) ? call.args[0] : [string(call, 0)]
  return parts.some((part) => typeof part === 'string' && matches(part))
}
