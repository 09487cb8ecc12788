// A note beside each packed file that says what it is of, since its name is a hash.

import { writeFileSync } from 'node:fs'
import type { Plan } from './native.js'

export interface PackedOrigin {
  /** Of the checkpoint. */
  fingerprint: string
  /** Of most of the matrix products. */
  format: string
}

export const packedSuffix = '.qvlpack'
export const originSuffix = '.json'

/** Lists name the model of a file by it; nothing else depends on it. */
export function noteOrigin(file: string, plan: Plan, fingerprint: string): void {
  const origin: PackedOrigin = { fingerprint, format: productFormat(plan) }
  try {
    writeFileSync(`${file}${originSuffix}`, JSON.stringify(origin), { mode: 0o600 })
  } catch {
    // A folder that can only be read: its files are used, and listed without the name of their model.
  }
}

function productFormat({ weights }: Plan): string {
  const sizes = new Map<string, number>()
  for (const { kind, format, shape } of weights) {
    const size = shape.reduce((product, length) => product * length, 1)
    if (kind === 'linear') sizes.set(format, (sizes.get(format) ?? 0) + size)
  }
  return [...sizes].sort(([, a], [, b]) => b - a)[0]?.[0] ?? 'f32'
}
