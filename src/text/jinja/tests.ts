// Jinja's tests: what may follow `is`, and what `selectattr` and its siblings take by name.

import type { Budget } from './budget.js'
import { fault } from './fault.js'
import { Callable, compare, equal, Float, iterate, numeric, typeName, type Value } from './values.js'

export type Test = (value: Value, argument: Value, budget: Budget) => boolean

const equalTo: Test = (a, b, budget) => equal(a, b, budget)
const notEqual: Test = (a, b, budget) => !equal(a, b, budget)
const less: Test = (a, b) => compare(a, b) < 0
const lessOrEqual: Test = (a, b) => compare(a, b) <= 0
const greater: Test = (a, b) => compare(a, b) > 0
const greaterOrEqual: Test = (a, b) => compare(a, b) >= 0

/** Tests that compare with an argument. */
const binaryTests: ReadonlyMap<string, Test> = new Map([
  ...named(equalTo, 'eq', 'equalto', '=='),
  ...named(notEqual, 'ne', '!='),
  ...named(less, 'lt', 'lessthan', '<'),
  ...named(lessOrEqual, 'le', '<='),
  ...named(greater, 'gt', 'greaterthan', '>'),
  ...named(greaterOrEqual, 'ge', '>='),
  ...named(equalTo, 'sameas'),
  ...named(contains, 'in'),
  ...named(
    (value, divisor) => integer(value) % (integer(divisor) || fault('It divides by zero.')) === 0,
    'divisibleby',
  ),
])

const unaryTests: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['defined', (value) => value !== undefined],
  ['undefined', (value) => value === undefined],
  ['none', (value) => value === null],
  ['boolean', (value) => typeof value === 'boolean'],
  ['true', (value) => value === true],
  ['false', (value) => value === false],
  ['string', (value) => typeof value === 'string'],
  ['number', (value) => numeric(value) !== undefined],
  ['integer', (value) => typeof value === 'number'],
  ['float', (value) => value instanceof Float],
  ['mapping', (value) => value instanceof Map],
  ['sequence', isSequence],
  ['iterable', (value) => isSequence(value) || value === undefined],
  ['callable', (value) => value instanceof Callable],
  ['lower', (value) => typeof value === 'string' && value === value.toLowerCase() && value !== value.toUpperCase()],
  ['upper', (value) => typeof value === 'string' && value === value.toUpperCase() && value !== value.toLowerCase()],
  ['odd', (value) => integer(value) % 2 !== 0],
  ['even', (value) => integer(value) % 2 === 0],
])

export const findTest = (name: string): Test | undefined => binaryTests.get(name) ?? unaryTests.get(name)
export const takesArgument = (name: string): boolean => binaryTests.has(name)

/** The `in` operator. */
export function contains(item: Value, container: Value, budget: Budget): boolean {
  if (typeof container === 'string') {
    if (typeof item !== 'string') return fault(`It looks for ${typeName(item)} in a string.`)
    budget.chars(container.length)
    return container.includes(item)
  }
  if (container instanceof Map) return typeof item === 'string' && container.has(item)
  return iterate(container, budget).some((other) => equal(item, other, budget))
}

function named(test: Test, ...names: string[]): [string, Test][] {
  return names.map((name) => [name, test])
}

function isSequence(value: Value): boolean {
  return Array.isArray(value) || value instanceof Map || typeof value === 'string'
}

function integer(value: Value): number {
  if (typeof value !== 'number') return fault(`It takes ${typeName(value)} for a whole number.`)
  return value
}
