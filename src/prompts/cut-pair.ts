// Shortening a pair of texts to a number of tokens, as the tokenizers library does it.

import type { PairTruncation } from '../text/tokenizer.js'
import type { CutSide } from './cut-text.js'

export interface IdPair {
  first: readonly number[]
  second: readonly number[]
}

export interface CutPairOptions {
  /** Tokens that both may have together. */
  room: number
  strategy: PairTruncation
  /** Which end of a text goes (default `right`). */
  side?: CutSide | undefined
}

/** For pairs that are too long. Undefined when the text that may be cut is too short for it. */
export function cutPair({ first, second }: IdPair, { room, strategy, side }: CutPairOptions): IdPair | undefined {
  if (room < 0) return undefined
  const excess = first.length + second.length - room
  switch (strategy) {
    case 'longest_first': {
      const [numFirst, numSecond] = longestFirst(first.length, second.length, room)
      return { first: cut(first, numFirst, side), second: cut(second, numSecond, side) }
    }
    case 'only_first':
      return first.length > excess ? { first: cut(first, first.length - excess, side), second } : undefined
    case 'only_second':
      return second.length > excess ? { first, second: cut(second, second.length - excess, side) } : undefined
    default:
      return strategy satisfies never
  }
}

/**
 * A text that takes no more than half the room stays whole. Otherwise both get half, and the longer one, or the second of two
 * that are equal, the odd token.
 */
function longestFirst(numFirst: number, numSecond: number, room: number): readonly [number, number] {
  const [shorter, longer] = numFirst > numSecond ? [numSecond, numFirst] : [numFirst, numSecond]
  const half = Math.floor(room / 2)
  const isWhole = 2 * shorter <= room
  const [forShorter, forLonger] = isWhole ? [shorter, Math.min(longer, room - shorter)] : [half, room - half]
  return numFirst > numSecond ? [forLonger, forShorter] : [forShorter, forLonger]
}

const cut = (ids: readonly number[], length: number, side: CutSide = 'right'): readonly number[] =>
  side === 'right' ? ids.slice(0, length) : ids.slice(ids.length - length)
