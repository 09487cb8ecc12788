// Rotary position tables, computed on the host and passed to the program as inputs.

/** A row's position on each axis; text has the same on all three. */
export interface AxisPositions {
  time: Int32Array
  height: Int32Array
  width: Int32Array
}

/**
 * Cosines and sines by position. The angle of channel i at position p is p · theta^(−2i/headDim), rounded to float32 at
 * each step as the reference does: at position 30,000 that moves an angle by up to 1e-3, and the weights were trained
 * with it.
 */
export class RotaryTables {
  readonly #half: number
  readonly #frequencies: Float32Array
  /** Rows of all positions met so far. */
  #cos = new Float32Array(0)
  #sin = new Float32Array(0)

  constructor(headDim: number, theta: number) {
    this.#half = headDim / 2
    this.#frequencies = rotaryFrequencies(headDim, theta)
  }

  /** Tables for packed rows: [rows, headDim/2] each. */
  at(positions: Int32Array): { cos: Float32Array; sin: Float32Array } {
    this.#grow(maxOf(positions) + 1)
    return { cos: this.#rows(this.#cos, positions), sin: this.#rows(this.#sin, positions) }
  }

  /** Tables in which each channel turns with one of three axes; `axes` names it by channel. */
  atAxes(positions: AxisPositions, axes: readonly (keyof AxisPositions)[]): { cos: Float32Array; sin: Float32Array } {
    this.#grow(Math.max(maxOf(positions.time), maxOf(positions.height), maxOf(positions.width)) + 1)
    const half = this.#half
    const rows = positions.time.length
    const cos = new Float32Array(rows * half)
    const sin = new Float32Array(rows * half)
    axes.forEach((axis, channel) => {
      const at = positions[axis]
      for (let row = 0; row < rows; row++) {
        cos[row * half + channel] = this.#cos[at[row]! * half + channel]!
        sin[row * half + channel] = this.#sin[at[row]! * half + channel]!
      }
    })
    return { cos, sin }
  }

  #rows(table: Float32Array, positions: Int32Array): Float32Array {
    const half = this.#half
    const rows = new Float32Array(positions.length * half)
    positions.forEach((position, row) => {
      rows.set(table.subarray(position * half, (position + 1) * half), row * half)
    })
    return rows
  }

  #grow(needed: number): void {
    const known = this.#cos.length / this.#half
    if (needed <= known) return
    const count = Math.max(needed, 2 * known)
    this.#cos = new Float32Array(count * this.#half)
    this.#sin = new Float32Array(count * this.#half)
    for (let position = 0; position < count; position++) {
      this.#frequencies.forEach((frequency, i) => {
        const angle = Math.fround(position * frequency)
        this.#cos[position * this.#half + i] = Math.cos(angle)
        this.#sin[position * this.#half + i] = Math.sin(angle)
      })
    }
  }
}

/** theta^(−2i/width) for i below width/2. */
export const rotaryFrequencies = (width: number, theta: number): Float32Array =>
  Float32Array.from({ length: width / 2 }, (_, i) => 1 / Math.fround(theta ** ((2 * i) / width)))

const maxOf = (positions: Int32Array): number => positions.reduce((max, position) => Math.max(max, position), 0)
