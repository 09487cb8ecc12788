// Interleaved M-RoPE of Qwen3-VL: where each token stands in time, height and width, and which channel reads which axis.

import type { AxisPositions } from './rotary-tables.js'

/**
 * The axis of each of the headDim/2 channels. Height and width take every third channel, up to three times their share;
 * time keeps all others. (Qwen2-VL gave each axis one block of channels; that is another layout.)
 */
export function mropeAxes(section: readonly [number, number, number]): (keyof AxisPositions)[] {
  const [time, height, width] = section
  return Array.from({ length: time + height + width }, (_, channel) => {
    if (channel % 3 === 1 && channel < 3 * height) return 'height'
    if (channel % 3 === 2 && channel < 3 * width) return 'width'
    return 'time'
  })
}

/** The tokens of an image, or of one pair of frames of a video. */
export interface VisualBlock {
  /** Index of its first token in the sequence. */
  start: number
  /** Rows and columns of its tokens, which stand in raster order. */
  height: number
  width: number
}

/**
 * Positions of a sequence of `length` tokens. A text token stands at the same place on all axes, one after the one
 * before. A block stands at one time, its tokens at their row and column, and what follows is one after the larger side.
 */
export function mropePositions(length: number, blocks: readonly VisualBlock[]): AxisPositions {
  const positions = { time: new Int32Array(length), height: new Int32Array(length), width: new Int32Array(length) }
  let next = 0
  let index = 0
  const text = (end: number): void => {
    for (; index < end; index++, next++) {
      positions.time[index] = next
      positions.height[index] = next
      positions.width[index] = next
    }
  }
  for (const { start, height, width } of blocks) {
    text(start)
    for (let token = 0; token < height * width; token++, index++) {
      positions.time[index] = next
      positions.height[index] = next + Math.floor(token / width)
      positions.width[index] = next + (token % width)
    }
    next += Math.max(height, width)
  }
  text(length)
  return positions
}
