// Strict JSON of requests and input lines: a refusal says where the text is wrong, and never repeats it.

import { findJsonFault } from '../checkpoint/json-scan.js'
import { QvlError } from '../errors.js'
import { isList, isObject } from './fields.js'
import { findSyntaxError } from './json-position.js'

/** Requests nest about six levels deep; the limit keeps a hostile one from exhausting the stack. */
const maxDepth = 32
/** Keys and list elements of one text; bounds the memory that parsing takes. */
const maxValues = 1_000_000
/** Keys of one object; no request has a hundred. */
const maxKeys = 10_000

/**
 * Parses JSON without repeated keys, `__proto__`, `constructor.prototype`, half surrogate pairs or deep nesting.
 * `name` is the text in messages: "The request body". Throws REQUEST_SCHEMA.
 */
export function parseJsonText(text: string, name: string): unknown {
  const fault = findJsonFault(text, { maxDepth, maxValues, maxKeys })
  if (fault !== undefined) throw notAccepted(name, fault)
  const value = parse(text, name)
  // Only an escape can spell half a surrogate pair, or hide a name: the text itself was decoded from UTF-8.
  const valueFault = /\\u|constructor/.test(text) ? findValueFault(value) : undefined
  if (valueFault !== undefined) throw describeFault(name, valueFault)
  return value
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const position = findSyntaxError(text)
    const why = position < text.length ? `it is wrong at character ${position + 1}` : 'it ends too early'
    throw new QvlError('REQUEST_SCHEMA', {
      what: `${name} is not valid JSON: ${why}.`,
      do: 'Correct the JSON.',
      cause,
    })
  }
}

function notAccepted(name: string, why: string, advice = 'Correct the JSON.'): QvlError {
  return new QvlError('REQUEST_SCHEMA', { what: `${name} is not accepted as JSON.`, why, do: advice })
}

interface ValueFault {
  kind: 'surrogate' | 'prototype'
  /** From the value that was looked through, such as `.input[3]`. */
  at: string
}

function describeFault(name: string, { kind, at }: ValueFault): QvlError {
  if (kind === 'prototype') return notAccepted(name, 'It has a key named constructor.prototype.')
  // Names of fields are shown, whatever else a key may hold is not.
  const place = /^(\.\w{1,40}|\[\d+\])+$/.test(at) ? `\`${at.replace(/^\./, '')}\`` : 'It'
  const why = `${place} has half of a surrogate pair, which is not a character.`
  return notAccepted(name, why, 'Cut texts between characters, not within one.')
}

function findValueFault(value: unknown): ValueFault | undefined {
  if (typeof value === 'string') return isBroken(value) ? { kind: 'surrogate', at: '' } : undefined
  if (isList(value)) return firstFault(value.entries(), (index) => `[${index}]`)
  if (!isObject(value)) return undefined
  const keys = Object.keys(value)
  if (keys.includes('constructor') && isObject(value.constructor) && Object.hasOwn(value.constructor, 'prototype')) {
    return { kind: 'prototype', at: '' }
  }
  if (keys.some(isBroken)) return { kind: 'surrogate', at: '' }
  return firstFault(Object.entries(value), (key) => `.${key}`)
}

function firstFault<Key>(entries: Iterable<[Key, unknown]>, step: (key: Key) => string): ValueFault | undefined {
  for (const [key, value] of entries) {
    const fault = findValueFault(value)
    if (fault !== undefined) return { ...fault, at: step(key) + fault.at }
  }
  return undefined
}

/** A tokenizer works on UTF-8, which cannot hold half a pair; replacing it would score another text than was sent. */
const isBroken = (text: string): boolean => /\p{Surrogate}/u.test(text)
