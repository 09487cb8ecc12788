// Output bytes of one line: JSON lines, or rows of an array with the failures beside them.

import { checkFinite } from '../api/floats.js'
import { QvlError } from '../errors.js'
import { type Answer, asEmbedding, type Item, type Work } from './item.js'
import { npyMissingRow, npyRow } from './npy.js'

export interface Encoded {
  output: Uint8Array
  /** For the file of failures, where the format cannot hold them. */
  errors?: Uint8Array
}

export interface Encoder {
  /** Throws a QvlError when the answer cannot be written. */
  answer(work: Work, answers: readonly Answer[]): Encoded
  failure(item: Item, error: QvlError): Encoded
}

export const jsonlEncoder: Encoder = {
  answer: (work, answers) => ({ output: jsonLine(work.render(answers)) }),
  failure: (item, error) => ({ output: jsonLine(item.failure(error)) }),
}

/** Rows of `width` floats. */
export function npyEncoder(width: number): Encoder {
  return {
    answer(_work, answers) {
      const { vector } = asEmbedding(answers[0])
      if (vector.length !== width) throw otherWidth(vector.length, width)
      checkFinite(vector)
      return { output: npyRow(vector) }
    },
    failure: (item, error) => ({
      output: npyMissingRow(width),
      errors: jsonLine({ row: item.index, ...item.failure(error) }),
    }),
  }
}

const jsonLine = (value: object): Buffer => Buffer.from(`${JSON.stringify(value)}\n`)

function otherWidth(got: number, width: number): QvlError {
  return new QvlError('REQUEST_INVALID', {
    what: `The vector has ${got} numbers.`,
    why: `Every row of the array has ${width}.`,
    do: 'Use --dimensions for all lines, or --format jsonl.',
    param: 'dimensions',
  })
}
