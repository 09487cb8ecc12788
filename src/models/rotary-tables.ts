// Rotary position tables, computed on the host and passed to the program as inputs.

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
    this.#frequencies = Float32Array.from(
      { length: this.#half },
      (_, i) => 1 / Math.fround(theta ** ((2 * i) / headDim)),
    )
  }

  /** Tables for packed rows: [rows, headDim/2] each. */
  at(positions: Int32Array): { cos: Float32Array; sin: Float32Array } {
    this.#grow(positions.reduce((max, position) => Math.max(max, position), 0) + 1)
    return { cos: this.#rows(this.#cos, positions), sin: this.#rows(this.#sin, positions) }
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
