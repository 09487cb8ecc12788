// What the main thread and a preparing thread say to each other. Everything here is plain data.

import type { PreparerOptions } from '../../engine/preparer.js'
import { type ErrorCode, type ErrorDetails, QvlError } from '../../errors.js'
import type { Visuals } from '../../prompts/visuals.js'
import type { Drafted } from './drafted.js'
import type { Packed } from './pack.js'
import type { PreparedRoute } from './prepared.js'
import type { PrepareSettings } from './settings.js'

/** What a thread starts with. It answers `ready` or `notReady`. */
export interface ThreadStart {
  preparer: PreparerOptions
  settings: PrepareSettings
}

/** A body to prepare, or a draft whose images were loaded. One at a time. */
export type Question =
  | { kind: 'read'; route: PreparedRoute; body: Uint8Array<ArrayBuffer> }
  | { kind: 'finish'; draft: Uint8Array<ArrayBuffer>; visuals: Visuals }

/** A body with images comes back as a draft: loading them is for the main thread, and keeps no thread waiting. */
export type Outcome = { kind: 'prepared'; packed: Packed } | { kind: 'drafted'; drafted: Drafted }

export type Answer =
  | { kind: 'ready' }
  | { kind: 'notReady'; failure: Failure }
  | Outcome
  | { kind: 'failed'; failure: Failure }
  | { kind: 'warning'; message: string }

/** An error that survives being posted: of its cause only the text. */
export interface Failure {
  code: ErrorCode
  details: Omit<ErrorDetails, 'cause'>
  cause: string | undefined
}

export function toFailure({ code, details: { cause, ...details } }: QvlError): Failure {
  return { code, details, cause: cause instanceof Error ? (cause.stack ?? cause.message) : undefined }
}

export function fromFailure({ code, details, cause }: Failure): QvlError {
  return new QvlError(code, cause === undefined ? details : { ...details, cause: new Error(cause) })
}
