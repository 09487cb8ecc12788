// The error of a batch sent to a program that has been closed.

import { QvlError } from '../errors.js'

export const programClosed = (): QvlError =>
  new QvlError('DEVICE_FAILED', {
    what: 'The model has been closed.',
    why: 'It no longer takes batches.',
    do: 'Load the model again.',
  })
