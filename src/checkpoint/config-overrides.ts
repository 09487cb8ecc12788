// vLLM's --hf-overrides: an object merged into config.json before it is read.

import { QvlError } from '../errors.js'
import { isJsonObject, type JsonObject } from './fields.js'

/** Nested objects merge, everything else replaces. A configuration that is not an object is left for the reader to refuse. */
export function mergeOverrides(raw: unknown, overrides: JsonObject): unknown {
  return isJsonObject(raw) ? merge(raw, overrides) : raw
}

function merge(base: JsonObject, overrides: JsonObject): JsonObject {
  const merged = new Map(Object.entries(base))
  for (const [name, value] of Object.entries(overrides)) {
    if (name === '__proto__') throw reserved()
    const old = merged.get(name)
    merged.set(name, isJsonObject(old) && isJsonObject(value) ? merge(old, value) : value)
  }
  return Object.fromEntries(merged)
}

function reserved(): QvlError {
  return new QvlError('USAGE', {
    what: 'The value of --hf-overrides has a key named __proto__.',
    why: 'No configuration has such a field.',
    do: 'Remove it.',
    param: '--hf-overrides',
  })
}
