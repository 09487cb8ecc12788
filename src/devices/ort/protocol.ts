// What the main thread and the worker thread say to each other. Everything here is plain data.

import { type ErrorCode, type ErrorDetails, QvlError } from '../../errors.js'
import type { ProgramInputs, ProgramOutputs } from '../../program/program.js'
import type { LoweredProgram } from '../onnx/lower.js'

/** What a worker starts with. It answers `loaded` or `loadFailed`. */
export interface WorkerStart {
  lowered: LoweredProgram
  threads: number
  /** The cell of the gate around native work. */
  gate: Int32Array<SharedArrayBuffer>
}

/** Runs are answered in order. `close` comes last: the worker frees the session and ends. */
export type Question = { kind: 'run'; id: number; inputs: ProgramInputs } | { kind: 'close' }

export type Answer =
  | { kind: 'loaded' }
  | { kind: 'loadFailed'; failure: Failure }
  | { kind: 'outputs'; id: number; outputs: ProgramOutputs }
  | { kind: 'failed'; id: number; failure: Failure }

/** An error that survives being posted: the cause keeps only its texts. */
export interface Failure {
  code: ErrorCode
  details: Omit<ErrorDetails, 'cause'>
  cause: { message: string; stack: string | undefined } | undefined
}

/** The memory of those values that are arrays of numbers, to be transferred instead of copied. */
export const buffersOf = (values: readonly unknown[]): ArrayBuffer[] =>
  values.flatMap((value) => (ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer ? [value.buffer] : []))

/** A QvlError as it is, and anything else as the cause of `otherwise`. */
export function toFailure(error: unknown, otherwise: QvlError): Failure {
  const { code, details } = error instanceof QvlError ? error : otherwise
  const { cause: ownCause, ...rest } = details
  const cause = error instanceof QvlError ? ownCause : error
  return { code, details: rest, cause: cause === undefined ? undefined : texts(cause) }
}

export function fromFailure({ code, details, cause }: Failure): QvlError {
  if (cause === undefined) return new QvlError(code, details)
  const original = new Error(cause.message)
  if (cause.stack !== undefined) original.stack = cause.stack
  return new QvlError(code, { ...details, cause: original })
}

const texts = (cause: unknown): NonNullable<Failure['cause']> =>
  cause instanceof Error ? { message: cause.message, stack: cause.stack } : { message: String(cause), stack: undefined }
