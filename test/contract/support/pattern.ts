// Compares an answer with what a fixture expects: the same keys in the same order, and values or patterns of values.

type Check = (value: unknown, argument: string) => boolean

const isNumber = (value: unknown): value is number => Number.isFinite(value)

/** A string of a fixture that starts with one of these names stands for every value that passes. */
const checks: Readonly<Record<string, Check>> = {
  $any: () => true,
  /** A prefix and 16 hexadecimal digits. */
  $id: (value, prefix) => typeof value === 'string' && new RegExp(`^${prefix}[0-9a-f]{16}$`).test(value),
  /** Unix time in seconds: after 2023 and before 2128. */
  $time: (value) => Number.isInteger(value) && Number(value) > 1.7e9 && Number(value) < 5e9,
  $number: isNumber,
  /** This number, within the tolerance of scores. */
  $near: (value, number) => isNumber(value) && Math.abs(value - Number(number)) < 1e-4,
  /** A position in a list. */
  $index: (value) => Number.isInteger(value) && Number(value) >= 0,
  $count: (value) => Number.isInteger(value) && Number(value) > 0,
  /** A score as a probability. */
  $share: (value) => isNumber(value) && value >= 0 && value <= 1,
  /** So many numbers. */
  $floats: (value, length) => Array.isArray(value) && value.length === Number(length) && value.every(isNumber),
  /** So many bytes. */
  $base64: (value, length) =>
    typeof value === 'string' &&
    Buffer.from(value, 'base64').length === Number(length) &&
    Buffer.from(value, 'base64').toString('base64') === value,
  $text: (value) => typeof value === 'string' && value !== '',
  /** A text that holds this one. */
  $has: (value, part) => typeof value === 'string' && value.includes(part),
  /** The name of a class, or none. */
  $label: (value) => value === null || typeof value === 'string',
  $ids: (value) => Array.isArray(value) && value.length > 0 && value.every((id) => Number.isInteger(id) && id >= 0),
}

/** What differs, as `path: why`; empty when the answer is as expected. */
export function differences(actual: unknown, expected: unknown, path = 'answer'): string[] {
  const check = typeof expected === 'string' ? parseCheck(expected) : undefined
  if (check !== undefined) return check(actual) ? [] : [`${path}: ${show(actual)} is no ${expected}`]
  if (Array.isArray(expected)) return listDifferences(actual, expected, path)
  if (typeof expected === 'object' && expected !== null) return objectDifferences(actual, expected, path)
  return Object.is(actual, expected) ? [] : [`${path}: ${show(actual)} is not ${show(expected)}`]
}

function parseCheck(pattern: string): ((value: unknown) => boolean) | undefined {
  const [, name, argument] = /^(\$[a-z0-9]+)(?::(.*))?$/s.exec(pattern) ?? []
  if (name === undefined) return undefined
  const check = checks[name]
  if (check === undefined) throw new Error(`no pattern is called ${name}`)
  return (value) => check(value, argument ?? '')
}

function listDifferences(actual: unknown, expected: readonly unknown[], path: string): string[] {
  if (!Array.isArray(actual)) return [`${path}: ${show(actual)} is no list`]
  if (actual.length !== expected.length) return [`${path}: ${actual.length} elements, not ${expected.length}`]
  return expected.flatMap((each, index) => differences(actual[index], each, `${path}[${index}]`))
}

function objectDifferences(actual: unknown, expected: object, path: string): string[] {
  if (typeof actual !== 'object' || actual === null || Array.isArray(actual)) {
    return [`${path}: ${show(actual)} is no object`]
  }
  const keys = Object.keys(actual).join(', ')
  const expectedKeys = Object.keys(expected).join(', ')
  if (keys !== expectedKeys) return [`${path}: its keys are ${keys}, not ${expectedKeys}`]
  const values = new Map(Object.entries(actual))
  return Object.entries(expected).flatMap(([key, each]) => differences(values.get(key), each, `${path}.${key}`))
}

const show = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 400)
