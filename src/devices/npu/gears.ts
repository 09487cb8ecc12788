// Gears: the few shapes that a program is compiled for. A batch is padded to one of them.

import { QvlError } from '../../errors.js'

/** How many of each thing a run has room for. */
export interface Gear {
  /** Sequences, or frames of images. */
  sequences: number
  /** Rows of each of them. */
  rows: number
  /** Pooled rows of each of them. */
  pooled: number
  /** Rows of image features of all of them, the empty one included: 1 for a run without images. */
  visual: number
}

/** What of a gear a program has a use for. */
export interface GearTraits {
  /** A row sees only what came before it. */
  causal: boolean
  /** Most sequences are pooled in one row, as by a head or at the last token. */
  poolsOne: boolean
  /** Takes rows of image features. */
  takesVisual: boolean
  /** Patches that become one token; rows are whole multiples of it. 1 for text. */
  merged: number
}

/** Below about this many rows, reading the weights takes longer than computing; a gear is not smaller. */
const smallRows = 1_024
/** Rows of a full gear: beyond it a run takes longer and nothing is computed faster. */
const fullRows = { text: 4_096, vision: 8_192 } as const
const shortest = 64
/** Of one sequence. Scores are rows x rows for each head, so longer ones take gigabytes. */
export const defaultMaxRows = 4_096

/** Six to thirteen gears for sequences of up to `maxRows` rows: compiling takes time for each of them. */
export function defaultGears(traits: GearTraits, maxRows: number): Gear[] {
  if (traits.merged > 1) return visionGears(traits.merged, maxRows)
  const ladder = rungs(shortest, maxRows)
  const small = ladder.filter((rows) => rows <= smallRows)
  const full = ladder.filter((rows) => rows > shortest)
  const text = traits.takesVisual
    ? [...sized(everyOther(small), smallRows), ...sized(everyOther(full), fullRows.text)]
    : [...sized(small, smallRows), ...sized(full, fullRows.text)]
  const images = traits.takesVisual ? sized(full.slice(-5), fullRows.text) : []
  return atLeastTwo([
    ...text.map((shape) => textGear(traits, shape)),
    ...images.map(imageGear),
    ...allRows(traits, maxRows),
  ])
}

interface Shape {
  sequences: number
  rows: number
}

const textGear = ({ poolsOne }: GearTraits, { sequences, rows }: Shape): Gear => ({
  sequences,
  rows,
  pooled: poolsOne ? 1 : rows,
  visual: 1,
})

/** A prompt has a row of text at least, so that one row remains for the empty feature. */
const imageGear = ({ sequences, rows }: Shape): Gear => ({ sequences, rows, pooled: 1, visual: sequences * rows })

/** For the rare batch that pools every row of a model that mostly pools one. */
const allRows = ({ poolsOne, takesVisual }: GearTraits, rows: number): Gear[] =>
  poolsOne ? [{ sequences: 1, rows, pooled: rows, visual: takesVisual ? rows : 1 }] : []

/** Frames of one image each, and of videos, whose frames are many and small. */
function visionGears(merged: number, maxRows: number): Gear[] {
  const whole = Math.ceil(maxRows / merged) * merged
  const ladder = rungs(256, whole)
  const shapes = [
    ...sized(
      ladder.filter((rows) => rows <= 2_048),
      2_048,
    ),
    ...sized(ladder, fullRows.vision),
  ]
  return atLeastTwo(shapes.map(({ sequences, rows }) => ({ sequences, rows, pooled: 1, visual: 1 })))
}

/** Doubling from `first`, and `last` whatever it is. */
function rungs(first: number, last: number): number[] {
  const found: number[] = []
  for (let rows = first; rows < last; rows *= 2) found.push(rows)
  return [...found, last]
}

const sized = (ladder: readonly number[], rows: number): Shape[] =>
  ladder.map((each) => ({ sequences: Math.max(1, Math.floor(rows / each)), rows: each }))

/** The last one stays. */
const everyOther = (ladder: readonly number[]): number[] => ladder.filter((_, i) => (ladder.length - 1 - i) % 2 === 0)

/** Distinct ones, and for a limit so low that one is left, the same for one sequence alone. */
function atLeastTwo(gears: readonly Gear[]): Gear[] {
  const found = distinct(gears)
  return found.length < numGears.min ? distinct([...found, ...found.map((gear) => ({ ...gear, sequences: 1 }))]) : found
}

function distinct(gears: readonly Gear[]): Gear[] {
  return [...new Map(gears.map((gear) => [formatGear(gear), gear])).values()]
}

/** What ATC takes on all chips. */
const numGears = { min: 2, max: 100 } as const
const maxPaddedRows = 65_536

/** As --npu-gears has them: `8x512`, or `8x512x1x4096` with pooled rows of a sequence and feature rows of all. */
export const formatGear = ({ sequences, rows, pooled, visual }: Gear): string =>
  [sequences, rows, pooled, visual].join('x')

/** `8x512,1x4096`. What a gear leaves out is as in the default gears. Throws USAGE. */
export function parseGears(text: string, traits: GearTraits): Gear[] {
  const named = text.split(',').map((part) => parseGear(part.trim(), traits))
  const gears = distinct([...named, ...withImages(named, traits)])
  if (gears.length >= numGears.min && gears.length <= numGears.max) return gears
  throw notGears(text, `ATC takes ${numGears.min} to ${numGears.max} gears, and these are ${gears.length}.`)
}

/** A model that takes images can take one, also where no gear says so: the longest is there once more with room for them. */
function withImages(named: readonly Gear[], { takesVisual }: GearTraits): Gear[] {
  if (!takesVisual || named.some(({ visual }) => visual > 1)) return []
  const longest = named.reduce((found, gear) => (gear.rows > found.rows ? gear : found))
  return [imageGear(longest)]
}

function parseGear(text: string, traits: GearTraits): Gear {
  const numbers = text.split('x').map(Number)
  const isGear = /^\d+x\d+(x\d+){0,2}$/.test(text) && numbers.every((number) => number >= 1)
  if (!isGear) throw notGears(text, 'A gear is sequences x rows, such as 8x512.')
  const [sequences = 1, rows = 1, pooled, visual] = numbers
  const gear = { sequences, rows, pooled: pooled ?? (traits.poolsOne ? 1 : rows), visual: visual ?? 1 }
  if (traits.merged > 1) Object.assign(gear, { pooled: 1, visual: 1 })
  else if (!traits.takesVisual) gear.visual = 1
  if (sequences * rows > maxPaddedRows) throw notGears(text, `It has more than ${maxPaddedRows} rows.`)
  if (rows % traits.merged !== 0) throw notGears(text, `Rows of this model are multiples of ${traits.merged}.`)
  if (gear.pooled > rows || gear.visual > sequences * rows) throw notGears(text, 'It has more to take than rows.')
  return gear
}

const notGears = (text: string, why: string): QvlError =>
  new QvlError('USAGE', {
    what: `${JSON.stringify(text)} is not something a program can be compiled for.`,
    why,
    do: 'Write gears as sequences x rows, such as --npu-gears 8x128,8x512,1x4096.',
    param: '--npu-gears',
  })
