// Which operations of a program run together in one pass over the data.

import type { Op, Program, Value } from '../../program/program.js'

type Of<Kind extends Op['op']> = Extract<Op, { op: Kind }>

export interface Fusions {
  /** Operations that run as part of a later one. */
  absorbed: ReadonlySet<Op>
  /** add: the linear that it finishes. */
  residual: ReadonlyMap<Op, Of<'linear'>>
  /** swiglu: the two linears of the same input that feed it. */
  gateUp: ReadonlyMap<Op, { gate: Of<'linear'>; up: Of<'linear'> }>
  /** rotary: the head norm before it. */
  headNorm: ReadonlyMap<Op, Of<'headNorm'>>
}

export function findFusions(program: Program): Fusions {
  const producers = new Map<Value, Op>(program.ops.map((op) => [op.out, op]))
  const uses = countUses(program)
  const absorbed = new Set<Op>()
  const residual = new Map<Op, Of<'linear'>>()
  const gateUp = new Map<Op, { gate: Of<'linear'>; up: Of<'linear'> }>()
  const headNorm = new Map<Op, Of<'headNorm'>>()

  /** The producer of a value that nothing else reads. */
  const only = <Kind extends Op['op']>(value: Value, kind: Kind): Of<Kind> | undefined => {
    const op = producers.get(value)
    return op?.op === kind && uses.get(value) === 1 && !absorbed.has(op) ? (op as Of<Kind>) : undefined
  }

  for (const op of program.ops) {
    if (op.op === 'add') {
      const linear = only(op.b, 'linear') ?? only(op.a, 'linear')
      if (linear === undefined) continue
      residual.set(op, linear)
      absorbed.add(linear)
    } else if (op.op === 'swiglu') {
      const [gate, up] = [only(op.gate, 'linear'), only(op.up, 'linear')]
      if (gate === undefined || up === undefined || gate === up || gate.x !== up.x) continue
      if (!isPlain(gate) || !isPlain(up)) continue
      gateUp.set(op, { gate, up })
      absorbed.add(gate).add(up)
    } else if (op.op === 'rotary') {
      const norm = only(op.x, 'headNorm')
      if (norm === undefined || norm.headDim !== op.headDim) continue
      headNorm.set(op, norm)
      absorbed.add(norm)
    }
  }
  return { absorbed, residual, gateUp, headNorm }
}

/** The values an operation reads. */
export function reads(op: Op): Value[] {
  switch (op.op) {
    case 'embed':
      return [op.ids]
    case 'scatterRows':
    case 'addRows':
      return [op.x, op.rows, op.y]
    case 'gatherRows':
      return [op.x, op.rows]
    case 'rotary':
      return [op.x, op.cos, op.sin]
    case 'attention':
      return [op.q, op.k, op.v, ...(op.queryRows === undefined ? [] : [op.queryRows])]
    case 'swiglu':
      return [op.gate, op.up]
    case 'add':
      return [op.a, op.b]
    case 'linear':
    case 'rmsNorm':
    case 'layerNorm':
    case 'headNorm':
    case 'scale':
    case 'mean':
    case 'normalize':
      return [op.x]
    default:
      return op satisfies never
  }
}

function countUses(program: Program): Map<Value, number> {
  const uses = new Map<Value, number>()
  const values = [...program.ops.flatMap(reads), ...program.outputs.map(({ value }) => value)]
  for (const value of values) uses.set(value, (uses.get(value) ?? 0) + 1)
  return uses
}

const isPlain = (op: Of<'linear'>): boolean => op.bias === undefined && op.activation === 'none'
