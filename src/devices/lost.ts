// Tells a lost device from a batch that cannot be computed.

import { QvlError } from '../errors.js'

export const isLost = (error: unknown): error is QvlError => error instanceof QvlError && error.code === 'DEVICE_LOST'
