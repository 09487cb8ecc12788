// Which matrix products stay in bf16 when the others run in int8.

import type { Program } from '../../program/program.js'

/**
 * The first and the last layer, and whatever is outside the layers. The first sees raw token rows and the last feeds the
 * pooled vector directly, so an error there is not averaged away by the layers that follow.
 */
export function keepInBf16(program: Program): ReadonlySet<string> {
  const weights = program.ops.filter((op) => op.op === 'linear').map(({ weight }) => weight)
  const last = Math.max(...weights.map(layerOf).filter(Number.isFinite))
  return new Set(weights.filter((weight) => ![...between(1, last)].includes(layerOf(weight))))
}

const layerOf = (weight: string): number => Number(/(?:^|\.)layers?\.(\d+)\./.exec(weight)?.[1] ?? Number.NaN)

function* between(from: number, to: number): Generator<number> {
  for (let layer = from; layer < to; layer++) yield layer
}
