// The sequences of a batch: which rows each has, which of them are pooled, and which hold image features.

import { QvlError } from '../../errors.js'
import { type Batch, unfit } from '../onnx/batch.js'
import type { NpuLayout } from './layout.js'

/** A sequence, or a frame of an image. */
export interface Sequence {
  /** First packed row, and how many. */
  start: number
  rows: number
  /** Its places in the list of pooled rows. */
  pooled: readonly number[]
  /** Its places in the list of image features that programs take. */
  visual: readonly number[]
}

/** Throws as `planRuns`. */
export function sequencesOf({ spans, packed, inputs, programInputs, traits }: NpuLayout, batch: Batch): Sequence[] {
  const list = batch.spans(spans, packed)
  if (list.some(({ chain }) => chain.length > 0)) throw chained()
  const sequences = list.map(({ start, rows }) => ({ start, rows, pooled: [] as number[], visual: [] as number[] }))
  const sequenceOf = new Int32Array(batch.numRows(packed))
  for (const [index, { start, rows }] of sequences.entries()) sequenceOf.fill(index, start, start + rows)
  const deal = (input: string, kind: 'pooled' | 'visual'): void => {
    for (const [place, row] of batch.integers(input).entries()) {
      const sequence = sequences[sequenceOf[row] ?? -1]
      if (sequence === undefined) throw unfit(input, 'It names a row that is not there.')
      sequence[kind].push(place)
    }
  }
  for (const { feed } of inputs) {
    if (feed.kind === 'pooled') deal(feed.input, 'pooled')
    if (feed.kind === 'visualIndex') deal(feed.input, 'visual')
  }
  if (traits.merged > 1) checkMerged(programInputs, sequences, { batch, merged: traits.merged })
  return sequences
}

/** Patches become tokens in the order in which they stand: the graph has no other. */
function checkMerged(
  programInputs: NpuLayout['programInputs'],
  sequences: readonly Sequence[],
  { batch, merged }: { batch: Batch; merged: number },
): void {
  for (const input of programInputs) {
    if (input.kind !== 'i32' || input.rows !== 'visual') continue
    const inOrder = batch.integers(input.name).every((row, index) => row === index * merged)
    if (!inOrder || batch.numRows('visual') * merged !== batch.numRows('patches'))
      throw unfit(input.name, `It must name every ${merged}th row.`)
  }
  if (sequences.some(({ rows }) => rows % merged !== 0))
    throw unfit('frames', `Rows of a frame must be a multiple of ${merged}.`)
}

const chained = (): QvlError =>
  new QvlError('DEVICE_FAILED', {
    what: 'A batch shares prefixes among sequences.',
    why: 'Programs compiled for an NPU take whole sequences.',
    do: 'Report this with --debug.',
  })
