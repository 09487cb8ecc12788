// Arithmetic, concatenation, comparison and slices.

import type { Budget } from './budget.js'
import { fault } from './fault.js'
import { percentFormat } from './python-text.js'
import { contains } from './tests.js'
import { codePoints, compare, display, equal, Float, numeric, truthy, typeName, type Value } from './values.js'

/** Every operator but `and` and `or`, which do not always look at their right side. */
export function binary(operator: string, left: Value, right: Value, budget: Budget): Value {
  switch (operator) {
    case '==':
      return equal(left, right, budget)
    case '!=':
      return !equal(left, right, budget)
    case 'in':
      return contains(left, right, budget)
    case 'not in':
      return !contains(left, right, budget)
    case '<':
      return compare(left, right) < 0
    case '<=':
      return compare(left, right) <= 0
    case '>':
      return compare(left, right) > 0
    case '>=':
      return compare(left, right) >= 0
    case '~':
      return concatenated(display(left, budget), display(right, budget), budget)
    default:
      return arithmetic(operator, left, right, budget)
  }
}

export function unary(operator: string, value: Value): Value {
  if (operator === 'not') return !truthy(value)
  const number = numeric(value) ?? fault(`It uses ${operator} on ${typeName(value)}.`)
  const signed = operator === '-' ? -number : number
  return value instanceof Float ? new Float(signed) : signed
}

/** `value[start:stop:step]` of a string or a list. */
export function sliced(value: Value, bounds: readonly (Value | undefined)[], budget: Budget): Value {
  if (typeof value === 'string') return slicedList(codePoints(value, budget), bounds).join('')
  return Array.isArray(value) ? budget.list(slicedList(value, bounds)) : fault(`It slices ${typeName(value)}.`)
}

function slicedList<T>(list: readonly T[], bounds: readonly (Value | undefined)[]): T[] {
  const [start, stop, step = 1] = bounds.map((bound) => {
    if (bound === undefined || bound === null) return undefined
    return typeof bound === 'number' ? bound : fault(`It slices up to ${typeName(bound)}.`)
  })
  if (step === 0) fault('It slices with step 0.')
  const [low, high] = step > 0 ? [0, list.length] : [-1, list.length - 1]
  const clamp = (at: number) => Math.min(Math.max(at < 0 ? at + list.length : at, low), high)
  const from = start === undefined ? (step > 0 ? low : high) : clamp(start)
  const to = stop === undefined ? (step > 0 ? high : low) : clamp(stop)
  if (step === 1) return list.slice(from, Math.max(from, to))
  const out: T[] = []
  for (let at = from; step > 0 ? at < to : at > to; at += step) out.push(...list.slice(at, at + 1))
  return out
}

function arithmetic(operator: string, left: Value, right: Value, budget: Budget): Value {
  if (operator === '+' && typeof left === 'string' && typeof right === 'string')
    return concatenated(left, right, budget)
  if (operator === '+' && Array.isArray(left) && Array.isArray(right)) return budget.list([...left, ...right])
  if (operator === '%' && typeof left === 'string') return percentFormat(left, right, budget)
  if (operator === '*' && typeof right === 'number' && (typeof left === 'string' || Array.isArray(left))) {
    return repeated(left, Math.max(0, right), budget)
  }
  const x = numeric(left)
  const y = numeric(right)
  if (x === undefined || y === undefined) {
    return fault(`It uses ${operator} between ${typeName(left)} and ${typeName(right)}.`)
  }
  const result = calculated(operator, x, y)
  const isFloat = left instanceof Float || right instanceof Float || operator === '/' || (operator === '**' && y < 0)
  if (isFloat ? !Number.isFinite(result) : !Number.isSafeInteger(result)) fault('A number gets too large.')
  return isFloat ? new Float(result) : result
}

function calculated(operator: string, x: number, y: number): number {
  if (y === 0 && ['/', '//', '%'].includes(operator)) fault('It divides by zero.')
  switch (operator) {
    case '+':
      return x + y
    case '-':
      return x - y
    case '*':
      return x * y
    case '/':
      return x / y
    case '//':
      return Math.floor(x / y)
    case '%':
      // The sign of the divisor, as in Python.
      return x - y * Math.floor(x / y)
    case '**':
      return x ** y
    default:
      return fault(`It uses the operator ${operator}, which is unknown.`)
  }
}

function concatenated(left: string, right: string, budget: Budget): string {
  budget.chars(left.length + right.length)
  return left + right
}

function repeated(value: string | Value[], times: number, budget: Budget): Value {
  if (typeof value === 'string') {
    budget.chars(value.length * times)
    return value.repeat(times)
  }
  budget.step(value.length * times)
  return Array.from({ length: times }, () => value).flat()
}
