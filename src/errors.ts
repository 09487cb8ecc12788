// Every error qvl reports: one table of codes, with the HTTP status and the exit code each one maps to.

/** Exit codes, as documented in `qvl --help`. */
export const exitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  checkpoint: 3,
  someItemsFailed: 4,
  overloaded: 5,
  interrupted: 130,
  terminated: 143,
} as const

interface ErrorKind {
  /** HTTP status when the error answers a request. */
  status: number
  /** Process exit code when the error ends a command. */
  exit: number
}

const kinds = {
  // Command line
  USAGE: { status: 400, exit: exitCode.usage },
  // Finding and fetching checkpoints
  MODEL_REF_INVALID: { status: 400, exit: exitCode.usage },
  MODEL_NOT_FOUND: { status: 404, exit: exitCode.checkpoint },
  MODEL_UNSUPPORTED: { status: 400, exit: exitCode.checkpoint },
  HUB_UNAUTHORIZED: { status: 502, exit: exitCode.checkpoint },
  HUB_UNAVAILABLE: { status: 502, exit: exitCode.failed },
  HUB_FILE_CORRUPT: { status: 502, exit: exitCode.checkpoint },
  MODEL_BUSY: { status: 409, exit: exitCode.failed },
  // Checkpoint content
  CHECKPOINT_FILE_MISSING: { status: 500, exit: exitCode.checkpoint },
  CHECKPOINT_INVALID: { status: 500, exit: exitCode.checkpoint },
  CONFIG_INVALID: { status: 500, exit: exitCode.checkpoint },
  TENSOR_MISSING: { status: 500, exit: exitCode.checkpoint },
  TENSOR_INVALID: { status: 500, exit: exitCode.checkpoint },
  TOKENIZER_INVALID: { status: 500, exit: exitCode.checkpoint },
  TEMPLATE_INVALID: { status: 400, exit: exitCode.checkpoint },
  // A server and its clients
  REQUEST_SCHEMA: { status: 400, exit: exitCode.usage },
  UNAUTHORIZED: { status: 401, exit: exitCode.usage },
  FORBIDDEN_ORIGIN: { status: 403, exit: exitCode.usage },
  MODEL_NOT_SERVED: { status: 404, exit: exitCode.usage },
  REQUEST_TIMEOUT: { status: 408, exit: exitCode.failed },
  REQUEST_TOO_LARGE: { status: 413, exit: exitCode.usage },
  ENCODING_UNSUPPORTED: { status: 415, exit: exitCode.usage },
  HEADERS_TOO_LARGE: { status: 431, exit: exitCode.usage },
  ENGINE_OVERLOADED: { status: 429, exit: exitCode.overloaded },
  CANCELLED: { status: 499, exit: exitCode.interrupted },
  ENGINE_ITEM_FAILED: { status: 500, exit: exitCode.failed },
  NOT_IMPLEMENTED: { status: 501, exit: exitCode.usage },
  NOT_READY: { status: 503, exit: exitCode.overloaded },
  REQUEST_EXPIRED: { status: 503, exit: exitCode.failed },
  UPSTREAM_UNAVAILABLE: { status: 503, exit: exitCode.failed },
  LISTEN_FAILED: { status: 500, exit: exitCode.failed },
  // One request or one input line
  REQUEST_INVALID: { status: 400, exit: exitCode.usage },
  INPUT_TOO_LONG: { status: 400, exit: exitCode.usage },
  MEDIA_UNSUPPORTED: { status: 400, exit: exitCode.usage },
  MEDIA_FORMAT: { status: 415, exit: exitCode.usage },
  MEDIA_INVALID: { status: 422, exit: exitCode.usage },
  MEDIA_TOO_LARGE: { status: 413, exit: exitCode.usage },
  MEDIA_BLOCKED: { status: 400, exit: exitCode.usage },
  MEDIA_NOT_FOUND: { status: 422, exit: exitCode.usage },
  MEDIA_UNAVAILABLE: { status: 502, exit: exitCode.failed },
  // Running
  DEVICE_UNAVAILABLE: { status: 500, exit: exitCode.failed },
  MEMORY_EXHAUSTED: { status: 503, exit: exitCode.failed },
  DEVICE_FAILED: { status: 500, exit: exitCode.failed },
  DEVICE_LOST: { status: 503, exit: exitCode.failed },
  DEVICE_OUT_OF_MEMORY: { status: 500, exit: exitCode.failed },
  RESULT_NOT_FINITE: { status: 500, exit: exitCode.checkpoint },
  // Files
  FILES_EXHAUSTED: { status: 503, exit: exitCode.failed },
  INPUT_UNREADABLE: { status: 400, exit: exitCode.usage },
  OUTPUT_UNWRITABLE: { status: 500, exit: exitCode.failed },
  OUTPUT_BUSY: { status: 409, exit: exitCode.failed },
  RESUME_MISMATCH: { status: 409, exit: exitCode.usage },
  INTERNAL: { status: 500, exit: exitCode.failed },
} as const satisfies Record<string, ErrorKind>

export type ErrorCode = keyof typeof kinds

/** What a person needs: `what` happened, `why`, and what to `do` about it. One sentence each, without a library's words. */
export interface ErrorDetails {
  what: string
  why?: string
  do?: string
  /** The field, flag or tensor at fault, such as `documents[3]`. */
  param?: string
  /** The underlying error, for `--debug` and logs only. */
  cause?: unknown
}

export class QvlError extends Error {
  override readonly name = 'QvlError'
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails) {
    super([details.what, details.why].filter(Boolean).join(' '), { cause: details.cause })
    this.code = code
    this.details = details
  }

  get status(): number {
    return kinds[this.code].status
  }

  get exit(): number {
    return kinds[this.code].exit
  }
}

/** Any thrown value as a QvlError; one that is not ours becomes INTERNAL and keeps the original as its cause. */
export function asQvlError(error: unknown): QvlError {
  if (error instanceof QvlError) return error
  return new QvlError('INTERNAL', {
    what: 'An internal error stopped this work.',
    why: 'This is a defect in qvl, not in the input.',
    do: 'Run again with --debug and report the stack trace.',
    cause: error,
  })
}
