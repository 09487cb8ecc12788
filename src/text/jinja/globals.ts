// The functions every template can call; transformers gives its templates the same.

import type { Budget } from './budget.js'
import { fault, TemplateFault } from './fault.js'
import { Scope } from './scope.js'
import { type Call, Callable, display, Namespace, typeName, type Value } from './values.js'

export function globalScope(budget: Budget, now: () => Date): Scope {
  const scope = new Scope()
  for (const [names, value] of [
    [['true', 'True'], true],
    [['false', 'False'], false],
    [['none', 'None'], null],
  ] as const) {
    for (const name of names) scope.set(name, value)
  }
  scope.set('range', new Callable((call) => range(call, budget)))
  scope.set('namespace', new Callable(namespace))
  scope.set('dict', new Callable((call) => new Map(call.named)))
  scope.set('raise_exception', new Callable((call) => raise(display(call.args[0], budget))))
  scope.set('strftime_now', new Callable((call) => budget.text(strftime(display(call.args[0], budget), now()))))
  return scope
}

function raise(message: string): never {
  throw new TemplateFault(message, true)
}

function range(call: Call, budget: Budget): number[] {
  const [first = 0, second, step = 1] = call.args.map((value) =>
    typeof value === 'number' ? value : fault(`It calls range with ${typeName(value)}.`),
  )
  if (step === 0) fault('It calls range with step 0.')
  const [start, stop] = second === undefined ? [0, first] : [first, second]
  const length = Math.max(0, Math.ceil((stop - start) / step))
  budget.step(length)
  return Array.from({ length }, (_, i) => start + i * step)
}

function namespace(call: Call): Namespace {
  const [source] = call.args
  if (source !== undefined && !(source instanceof Map)) fault(`It makes a namespace of ${typeName(source)}.`)
  return new Namespace(new Map<string, Value>([...(source ?? []), ...call.named]))
}

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const abbreviated = 3

function strftime(format: string, date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const month = months[date.getMonth()] ?? ''
  const day = days[date.getDay()] ?? ''
  const parts = new Map([
    ['%', '%'],
    ['Y', String(date.getFullYear())],
    ['y', two(date.getFullYear() % 100)],
    ['m', two(date.getMonth() + 1)],
    ['d', two(date.getDate())],
    ['H', two(date.getHours())],
    ['I', two(date.getHours() % 12 || 12)],
    ['p', date.getHours() < 12 ? 'AM' : 'PM'],
    ['M', two(date.getMinutes())],
    ['S', two(date.getSeconds())],
    ['B', month],
    ['b', month.slice(0, abbreviated)],
    ['A', day],
    ['a', day.slice(0, abbreviated)],
  ])
  return format.replace(
    /%(.)/gs,
    (_, code: string) => parts.get(code) ?? fault(`It formats a date with %${code}, which is not supported.`),
  )
}
