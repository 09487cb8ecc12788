// Sequences with images: what their tokens are matched by, where they stand, and the feature rows that replace them.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { VisualFeatures } from '../models/model.js'
import { mropePositions, type VisualBlock } from '../models/mrope.js'
import type { AxisPositions } from '../models/rotary-tables.js'
import type { VisualRows } from '../program/rows.js'
import type { PlacedVisual } from '../prompts/visuals.js'
import type { Sequence } from './requests.js'

/** A sequence whose images went through the tower. */
export interface ResolvedVisuals {
  /** The ids, with a number below zero in place of each image token: equal numbers mean equal images. */
  keys: Int32Array
  positions: AxisPositions
  /** In the order of the tokens. */
  blocks: readonly FeatureBlock[]
}

/** The tokens of an image, or of one pair of frames of a video. */
export interface FeatureBlock {
  /** First token, and how many. */
  start: number
  tokens: number
  features: VisualFeatures
  /** The feature row of the first token. */
  row: number
}

/** Feature rows and the packed rows that they go to. */
export interface PlacedFeatures {
  /** First packed row. */
  at: number
  rows: number
  features: VisualFeatures
  /** First feature row. */
  row: number
}

export function resolveVisuals(
  { ids, visuals }: Pick<Sequence, 'ids'> & { visuals: readonly PlacedVisual[] },
  featuresOf: (key: string) => VisualFeatures,
): ResolvedVisuals {
  const keys = ids.slice()
  const places: VisualBlock[] = []
  const blocks: FeatureBlock[] = []
  for (const { facts, starts } of visuals) {
    const { height, width } = facts.tokens
    const words = keyWords(facts.key)
    const features = featuresOf(facts.key)
    for (const [frame, start] of starts.entries()) {
      const row = frame * height * width
      for (let i = 0; i < height * width; i++) keys[start + i] = words[(row + i) % words.length]!
      places.push({ start, height, width })
      blocks.push({ start, tokens: height * width, features, row })
    }
  }
  return { keys, positions: mropePositions(ids.length, places), blocks }
}

/** The parts of a sequence's features that stand in tokens `from` to `from + count`, placed from packed row `at` on. */
export function featuresWithin(
  blocks: readonly FeatureBlock[],
  { from, count, at }: { from: number; count: number; at: number },
): PlacedFeatures[] {
  return blocks.flatMap(({ start, tokens, features, row }) => {
    const first = Math.max(start, from)
    const end = Math.min(start + tokens, from + count)
    return first < end ? [{ at: at + first - from, rows: end - first, features, row: row + first - start }] : []
  })
}

/** Floats copied before the event loop gets a turn: a few milliseconds of work. */
const floatsPerTurn = 2_000_000

/** The rows of a batch in one piece, as programs take them. */
export async function gatherFeatures(
  placed: readonly PlacedFeatures[],
  hidden: number,
): Promise<VisualRows | undefined> {
  const [first] = placed
  if (first === undefined) return undefined
  // Packing the batch was enough for this turn.
  await nextTurn()
  const numRows = placed.reduce((sum, { rows }) => sum + rows, 0)
  const visual = {
    rows: new Int32Array(numRows),
    main: new Float32Array(numRows * hidden),
    deepstack: first.features.deepstack.map(() => new Float32Array(numRows * hidden)),
  }
  let to = 0
  let copied = 0
  for (const { at, rows, features, row } of placed) {
    for (let i = 0; i < rows; i++) visual.rows[to + i] = at + i
    for (const [from, into] of pairsOf(features, visual)) {
      into.set(from.subarray(row * hidden, (row + rows) * hidden), to * hidden)
      copied += rows * hidden
      if (copied < floatsPerTurn) continue
      copied = 0
      await nextTurn()
    }
    to += rows
  }
  return visual
}

function pairsOf(
  features: VisualFeatures,
  visual: { main: Float32Array; deepstack: Float32Array[] },
): [from: Float32Array, into: Float32Array][] {
  return [
    [features.main, visual.main],
    ...features.deepstack.map((from, k) => [from, visual.deepstack[k]!] as const),
  ].map(([from, into]) => [from, into])
}

/** A hash in hexadecimal as eight numbers below zero, which no token id is. */
function keyWords(key: string): number[] {
  return Array.from({ length: 8 }, (_, i) => ~(Number.parseInt(key.slice(8 * i, 8 * i + 8), 16) >>> 1))
}
