// What the vision tower adds to patches and turns them by: a learned table, interpolated, and two-dimensional rotary.

import type { PatchGrid } from './model.js'
import { numPatches, patchOrder } from './patch-order.js'
import { rotaryFrequencies } from './rotary-tables.js'

/** A square table of learned positions, stretched over an image of any size (bilinear, corners aligned). */
export class VisionPositions {
  readonly #table: Float32Array
  readonly #side: number
  readonly #width: number
  readonly #mergeSize: number

  /** `table` is [side · side, width]. */
  constructor(table: Float32Array, { side, mergeSize }: { side: number; mergeSize: number }) {
    this.#table = table
    this.#side = side
    this.#width = table.length / (side * side)
    this.#mergeSize = mergeSize
  }

  /** [patches, width]; the frames of a video all get the same. */
  at(grid: PatchGrid): Float32Array {
    const [time, height, width] = grid
    const frame = this.#inPatchOrder(grid, this.#stretched(height, width))
    const all = new Float32Array(time * frame.length)
    for (let t = 0; t < time; t++) all.set(frame, t * frame.length)
    return all
  }

  /** [height · width, width of the table] in raster order: first along the columns of the table, then along its rows. */
  #stretched(height: number, width: number): Float32Array {
    const side = this.#side
    const size = this.#width
    const out = new Float32Array(height * width * size)
    const line = new Float32Array(side * size)
    const columns = Array.from({ length: width }, (_, column) => between(column, width, side))
    for (let row = 0; row < height; row++) {
      const { from, to, weight } = between(row, height, side)
      mix(this.#table.subarray(from * side * size), this.#table.subarray(to * side * size), weight, line)
      columns.forEach((place, column) => {
        const at = (row * width + column) * size
        const patch = out.subarray(at, at + size)
        mix(line.subarray(place.from * size), line.subarray(place.to * size), place.weight, patch)
      })
    }
    return out
  }

  #inPatchOrder(grid: PatchGrid, raster: Float32Array): Float32Array {
    const size = this.#width
    const [, , width] = grid
    const { rows, columns } = patchOrder(grid, this.#mergeSize)
    const ordered = new Float32Array(raster.length)
    rows.forEach((row, patch) => {
      const at = (row * width + columns[patch]!) * size
      ordered.set(raster.subarray(at, at + size), patch * size)
    })
    return ordered
  }
}

/** Cosines and sines of patches: the first half of a head's pairs turns with the row, the second with the column. */
export class VisionRotary {
  readonly #frequencies: Float32Array
  readonly #mergeSize: number

  constructor(headDim: number, theta: number, mergeSize: number) {
    this.#frequencies = rotaryFrequencies(headDim / 2, theta)
    this.#mergeSize = mergeSize
  }

  /** [patches, headDim/2] each. */
  at(grid: PatchGrid): { cos: Float32Array; sin: Float32Array } {
    const { rows, columns } = patchOrder(grid, this.#mergeSize)
    const quarter = this.#frequencies.length
    const angles = new Float32Array(numPatches(grid) * 2 * quarter)
    for (let patch = 0; patch < angles.length / (2 * quarter); patch++) {
      const place = patch % rows.length
      this.#frequencies.forEach((frequency, i) => {
        angles[patch * 2 * quarter + i] = rows[place]! * frequency
        angles[patch * 2 * quarter + quarter + i] = columns[place]! * frequency
      })
    }
    return { cos: angles.map(Math.cos), sin: angles.map(Math.sin) }
  }
}

/** Where place `index` of `count` falls on a line of `side` table entries. */
function between(index: number, count: number, side: number): { from: number; to: number; weight: number } {
  const at = count === 1 ? 0 : ((side - 1) * index) / (count - 1)
  const from = Math.floor(at)
  return { from, to: Math.min(from + 1, side - 1), weight: at - from }
}

/** out = (1 − weight) · a + weight · b, for as many elements as `out` has. */
function mix(a: Float32Array, b: Float32Array, weight: number, out: Float32Array): void {
  for (let i = 0; i < out.length; i++) out[i] = a[i]! + weight * (b[i]! - a[i]!)
}
