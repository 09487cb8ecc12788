// Dotted keys of JSON flags, as vLLM reads them: --hf-overrides.a.b 1 --hf-overrides.list+ x,y.

import { QvlError } from '../errors.js'
import type { JsonObject } from './flag.js'
import { humanInteger, isJsonObject, parseJson } from './flag-value.js'

/** What `--flag.path value` says, as an object: `a.b` and `1` give `{a: {b: 1}}`, `list+` and `x,y` `{list: ['x', 'y']}`. */
export function dottedObject(path: string, text: string, origin: string): JsonObject {
  const isList = path.endsWith('+')
  const keys = (isList ? path.slice(0, -1) : path).split('.')
  if (keys.some((key) => key === '')) {
    throw new QvlError('USAGE', {
      what: `${origin} has an empty key.`,
      why: 'Dotted keys look like --hf-overrides.key.sub VALUE.',
      do: 'Write the key between the dots.',
      param: origin,
    })
  }
  return asObject(keys, isList ? text.split(',') : dottedValue(text))
}

/**
 * Objects merged key by key, lists joined; anything else is replaced by the later value, and `onDuplicate` hears its
 * key. Entries are copied with Object.fromEntries, which makes `__proto__` a plain key.
 */
export function mergeJson(a: JsonObject, b: JsonObject, onDuplicate: (key: string) => void = () => {}): JsonObject {
  const merged = new Map(Object.entries(a))
  for (const [key, value] of Object.entries(b)) {
    const before = merged.get(key)
    if (isJsonObject(before) && isJsonObject(value)) {
      merged.set(
        key,
        mergeJson(before, value, (sub) => onDuplicate(`${key}.${sub}`)),
      )
    } else if (Array.isArray(before) && Array.isArray(value)) {
      merged.set(key, [...before, ...value])
    } else {
      if (merged.has(key)) onDuplicate(key)
      merged.set(key, value)
    }
  }
  return Object.fromEntries(merged)
}

function dottedValue(text: string): unknown {
  const json = parseJson(text)
  return json === undefined ? (humanInteger(text) ?? text) : json
}

function asObject(keys: readonly string[], value: unknown): JsonObject {
  const [key, ...rest] = keys
  return Object.fromEntries([[key!, rest.length === 0 ? value : asObject(rest, value)]])
}
