// The arithmetic of the reference interpreter: one function per operation, in float64, in the order of the formulas.

import type { Activation, Span } from './program.js'

/** A value while interpreting: [rows, width], row-major. */
export interface Matrix {
  rows: number
  width: number
  data: Float64Array
}

/** `count` rows of `width` from each row number on. */
export function takeRows(from: Float32Array | Float64Array, width: number, rows: ArrayLike<number>, count = 1): Matrix {
  const taken = count * width
  const data = new Float64Array(rows.length * taken)
  for (let i = 0; i < rows.length; i++) data.set(from.subarray(rows[i]! * width, rows[i]! * width + taken), i * taken)
  return { rows: rows.length, width: taken, data }
}

export function placeRows(
  x: Matrix,
  rows: ArrayLike<number>,
  y: Matrix,
  merge: (x: number, y: number) => number,
): Matrix {
  const data = x.data.slice()
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < x.width; j++) {
      const at = rows[i]! * x.width + j
      data[at] = merge(data[at]!, y.data[i * x.width + j]!)
    }
  }
  return { ...x, data }
}

export function linear(
  x: Matrix,
  weight: Float32Array | undefined,
  bias: Float32Array | undefined,
  width: number,
  activation: Activation,
): Matrix {
  const data = new Float64Array(x.rows * width)
  for (let row = 0; row < x.rows; row++) {
    const from = x.data.subarray(row * x.width, (row + 1) * x.width)
    for (let column = 0; column < width; column++) {
      let sum = bias?.[column] ?? 0
      const base = column * x.width
      for (let i = 0; i < x.width; i++) sum += from[i]! * weight![base + i]!
      data[row * width + column] = activate[activation](sum)
    }
  }
  return { rows: x.rows, width, data }
}

/** RMSNorm over runs of `width` channels: a whole row, or each head. */
export function rmsNorm(x: Matrix, weight: Float32Array, width: number, eps: number): Matrix {
  const data = new Float64Array(x.data.length)
  for (let start = 0; start < data.length; start += width) {
    let squares = 0
    for (let i = 0; i < width; i++) squares += x.data[start + i]! ** 2
    const factor = 1 / Math.sqrt(squares / width + eps)
    for (let i = 0; i < width; i++) data[start + i] = x.data[start + i]! * factor * weight[i]!
  }
  return { ...x, data }
}

export function layerNorm(x: Matrix, weight: Float32Array, bias: Float32Array, eps: number): Matrix {
  const data = new Float64Array(x.data.length)
  for (let start = 0; start < data.length; start += x.width) {
    const row = x.data.subarray(start, start + x.width)
    const average = row.reduce((sum, value) => sum + value, 0) / x.width
    const variance = row.reduce((sum, value) => sum + (value - average) ** 2, 0) / x.width
    const factor = 1 / Math.sqrt(variance + eps)
    for (let i = 0; i < x.width; i++) data[start + i] = (row[i]! - average) * factor * weight[i]! + bias[i]!
  }
  return { ...x, data }
}

/** Rotate-half: channel i of a head pairs with channel i + headDim/2. */
export function rotary(x: Matrix, cos: Matrix, sin: Matrix, headDim: number): Matrix {
  const half = headDim / 2
  const data = new Float64Array(x.data.length)
  for (let row = 0; row < x.rows; row++) {
    for (let head = row * x.width; head < (row + 1) * x.width; head += headDim) {
      for (let i = 0; i < half; i++) {
        const c = cos.data[row * half + i]!
        const s = sin.data[row * half + i]!
        const a = x.data[head + i]!
        const b = x.data[head + half + i]!
        data[head + i] = a * c - b * s
        data[head + half + i] = b * c + a * s
      }
    }
  }
  return { ...x, data }
}

export function mean(x: Matrix, spans: readonly Span[]): Matrix {
  const data = new Float64Array(spans.length * x.width)
  spans.forEach((span, index) => {
    for (let row = span.start; row < span.start + span.rows; row++) {
      for (let i = 0; i < x.width; i++) data[index * x.width + i]! += x.data[row * x.width + i]! / span.rows
    }
  })
  return { rows: spans.length, width: x.width, data }
}

/** The floor under the length is PyTorch's. */
export function normalize(x: Matrix): Matrix {
  const data = new Float64Array(x.data.length)
  for (let start = 0; start < data.length; start += x.width) {
    const row = x.data.subarray(start, start + x.width)
    const length = Math.max(Math.hypot(...row), 1e-12)
    for (let i = 0; i < x.width; i++) data[start + i] = row[i]! / length
  }
  return { ...x, data }
}

export const map = (x: Matrix, f: (x: number) => number): Matrix => ({ ...x, data: x.data.map(f) })

export const zip = (a: Matrix, b: Matrix, f: (a: number, b: number) => number): Matrix => ({
  ...a,
  data: a.data.map((value, i) => f(value, b.data[i]!)),
})

export const activate: Record<Activation, (x: number) => number> = {
  none: (x) => x,
  gelu_erf: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu: (x) => x / (1 + Math.exp(-x)),
  tanh: Math.tanh,
}

/** Error function by its Maclaurin series near zero and the continued fraction of erfc beyond; error below 1e-14. */
function erf(x: number): number {
  const z = Math.abs(x)
  if (z > 6) return Math.sign(x)
  if (z < 2.5) {
    let term = z
    let sum = z
    for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
      term *= (-z * z) / n
      sum += term / (2 * n + 1)
    }
    return (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI)
  }
  let fraction = z
  for (let n = 60; n >= 1; n--) fraction = z + n / 2 / fraction
  return Math.sign(x) * (1 - Math.exp(-z * z) / (fraction * Math.sqrt(Math.PI)))
}
