// The order of an image's patches: those that become one token stand together.

import type { PatchGrid } from './model.js'

/** Row and column of every patch of one frame, [height · width] each. Height and width are multiples of `mergeSize`. */
export function patchOrder([, height, width]: PatchGrid, mergeSize: number): { rows: Int32Array; columns: Int32Array } {
  const rows = new Int32Array(height * width)
  const columns = new Int32Array(height * width)
  let patch = 0
  for (let row = 0; row < height; row += mergeSize) {
    for (let column = 0; column < width; column += mergeSize) {
      for (let inside = 0; inside < mergeSize * mergeSize; inside++, patch++) {
        rows[patch] = row + Math.floor(inside / mergeSize)
        columns[patch] = column + (inside % mergeSize)
      }
    }
  }
  return { rows, columns }
}

export const numPatches = ([time, height, width]: PatchGrid): number => time * height * width
