// Finds what JSON.parse would let pass: repeated keys, `__proto__`, and more nesting or values than expected.

import { quoteName } from './quote-name.js'

export interface ScanLimits {
  maxDepth: number
  maxValues: number
  /** In one object; `maxValues` where absent. */
  maxKeys?: number
}

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const backslash = 0x5c
const openBracket = 0x5b
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d
const letterI = 0x49
const letterN = 0x4e

/**
 * One pass over the text, linear in its length. Returns what is wrong, in words, or undefined. It assumes JSON syntax and
 * leaves checking that to JSON.parse, which has to follow; on other text it still ends, with either answer.
 */
export function findJsonFault(text: string, limits: ScanLimits): string | undefined {
  /** The keys seen in each open object; undefined for an open array. */
  const open: (Set<string> | undefined)[] = []
  let expectKey = false
  let numValues = 0
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = endOfString(text, at)
        if (end === undefined) return 'A text in it is not closed.'
        if (expectKey) {
          const fault = addKey(open.at(-1), keyText(text.slice(at, end + 1)), limits.maxKeys ?? limits.maxValues)
          if (fault !== undefined) return fault
          expectKey = false
        }
        at = end
        break
      }
      case openBrace:
      case openBracket: {
        const isObject = text.charCodeAt(at) === openBrace
        open.push(isObject ? new Set() : undefined)
        expectKey = isObject
        if (open.length > limits.maxDepth) return `It is nested more than ${limits.maxDepth} levels deep.`
        if (++numValues > limits.maxValues) return `It has more than ${limits.maxValues} values.`
        break
      }
      case closeBrace:
      case closeBracket:
        open.pop()
        expectKey = false
        break
      case comma:
        expectKey = open.at(-1) !== undefined
        if (++numValues > limits.maxValues) return `It has more than ${limits.maxValues} values.`
        break
      case colon:
        expectKey = false
        break
      // Python's json module writes these; JSON has no such numbers.
      case letterN:
        if (text.startsWith('NaN', at)) return 'It has NaN as a number, which JSON does not allow.'
        break
      case letterI:
        if (text.startsWith('Infinity', at)) return 'It has Infinity as a number, which JSON does not allow.'
        break
    }
  }
  return undefined
}

function addKey(keys: Set<string> | undefined, key: string, maxKeys: number): string | undefined {
  if (key === '__proto__') return 'It has a key named __proto__.'
  if (keys?.has(key)) return `The key ${quoteName(key)} appears twice in one object.`
  keys?.add(key)
  if (keys !== undefined && keys.size > maxKeys) return `It has more than ${maxKeys} keys in one object.`
  return undefined
}

/** The index of the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number | undefined {
  let end = text.indexOf('"', start + 1)
  while (end !== -1 && isEscaped(text, end, start)) end = text.indexOf('"', end + 1)
  return end === -1 ? undefined : end
}

/** Whether an odd number of backslashes stands before `at`. */
function isEscaped(text: string, at: number, start: number): boolean {
  let before = at - 1
  while (before > start && text.charCodeAt(before) === backslash) before--
  return (at - 1 - before) % 2 === 1
}

/** The key a quoted literal spells: `"\u0061"` is `a`. */
function keyText(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1)
  try {
    return JSON.parse(literal)
  } catch {
    // Not a JSON string: JSON.parse of the whole text will say so.
    return literal
  }
}
