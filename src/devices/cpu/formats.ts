// The storage format of every value: as small as its producer can write and all its readers can use.

import type { Op, Program, Value } from '../../program/program.js'
import type { Fusions } from './fusions.js'
import type { Format } from './native.js'

export interface FormatRules {
  /** Format a linear wants its input in, by weight name. */
  linearInput(weight: string): Format
  /** Format attention wants q, k and v in. */
  attentionInput: Format
}

/** Formats by value; values that fusion removes have none. */
export function chooseFormats(program: Program, fusions: Fusions, rules: FormatRules): Map<Value, Format> {
  const wanted = new Map<Value, Set<Format>>()
  const want = (value: Value, format: Format): void => {
    const formats = wanted.get(value)
    if (formats === undefined) wanted.set(value, new Set([format]))
    else formats.add(format)
  }
  for (const { value } of program.outputs) want(value, 'f32')

  const formats = new Map<Value, Format>()
  // Backwards, because a gather passes on what its own readers want.
  for (const op of program.ops.toReversed()) {
    if (fusions.absorbed.has(op)) continue
    const format = settle(wanted.get(op.out) ?? new Set(['f32']), writable(op, fusions))
    formats.set(op.out, format)
    for (const [value, needed] of needs(op, format)) want(value, needed)
  }
  return formats

  /** What an operation, with those it absorbs, reads as something else than float32 or integers. */
  function needs(op: Op, format: Format): [Value, Format][] {
    switch (op.op) {
      case 'linear':
        return [[op.x, rules.linearInput(op.weight)]]
      case 'add': {
        const linear = fusions.residual.get(op)
        if (linear === undefined) break
        return [
          [linear.x, rules.linearInput(linear.weight)],
          [linear.out === op.b ? op.a : op.b, 'f32'],
        ]
      }
      case 'swiglu': {
        const pair = fusions.gateUp.get(op)
        if (pair === undefined) break
        return [[pair.gate.x, rules.linearInput(pair.gate.weight)]]
      }
      case 'rotary':
        return [[fusions.headNorm.get(op)?.x ?? op.x, 'f32']]
      case 'attention':
        return [op.q, op.k, op.v].map((value) => [value, rules.attentionInput])
      case 'gatherRows':
        return [[op.x, format]]
      case 'embed':
        return []
    }
    return floatReads(op)
  }
}

/** Formats that the step of an operation can write. */
function writable(op: Op, fusions: Fusions): readonly Format[] {
  switch (op.op) {
    case 'gatherRows':
      // Each row of i8 has one scale, so rows that come side by side cannot stay i8.
      return op.count === 1 ? ['f32', 'bf16', 'i8'] : ['f32', 'bf16']
    case 'rmsNorm':
    case 'layerNorm':
      return ['f32', 'bf16', 'i8']
    case 'linear':
    case 'attention':
    case 'headNorm':
    case 'rotary':
      return ['f32', 'bf16']
    case 'swiglu':
      return fusions.gateUp.has(op) ? ['f32', 'bf16'] : ['f32']
    default:
      // Sums too: the residual stream stays in float32 whatever the products are.
      return ['f32']
  }
}

/** One format for all readers where they agree; otherwise the smallest that loses nothing any of them needs. */
function settle(wanted: ReadonlySet<Format>, writable: readonly Format[]): Format {
  const [first, ...others] = wanted
  if (others.length === 0 && first !== undefined && writable.includes(first)) return first
  return !wanted.has('f32') && writable.includes('bf16') ? 'bf16' : 'f32'
}

function floatReads(op: Op): [Value, Format][] {
  const values = 'x' in op ? [op.x] : op.op === 'add' ? [op.a, op.b] : op.op === 'swiglu' ? [op.gate, op.up] : []
  const added = 'y' in op ? [op.y] : []
  return [...values, ...added].map((value) => [value, 'f32'])
}
