// Strict, bounded reading of JSON files that anyone may have written.

import { type ErrorCode, QvlError } from '../errors.js'
import { isMissing, openRegularFile, readFully } from './file-bytes.js'
import { findJsonFault } from './json-scan.js'

/** config.json of the largest published models is below 100 kB. */
const defaultMaxBytes = 10_000_000
/** Checkpoint files nest four or five levels deep. */
const defaultMaxDepth = 32
/** Keys and array elements in one file: bounds the memory that parsing takes. */
const defaultMaxValues = 4_000_000
/** Keys of one object: a vocabulary of 262,144 is the largest that is published. */
const defaultMaxKeys = 1_048_576

export interface JsonLimits {
  maxBytes?: number
  maxDepth?: number
  maxValues?: number
  /** In one object. */
  maxKeys?: number
}

export interface ReadJsonOptions extends JsonLimits {
  /** What the file is, for messages: "the model's configuration". */
  what: string
  /** The code of a file that is not acceptable JSON; CHECKPOINT_INVALID by default. */
  code?: ErrorCode
}

/** Reads a JSON file. Throws CHECKPOINT_FILE_MISSING, or `code` when it is too large, not UTF-8 or not acceptable JSON. */
export async function readJsonFile(path: string, options: ReadJsonOptions): Promise<unknown> {
  await using file = await openRegularFile(path)
  const maxBytes = options.maxBytes ?? defaultMaxBytes
  if (file.size > maxBytes) {
    throw new QvlError(options.code ?? 'CHECKPOINT_INVALID', {
      what: `${path} is too large.`,
      why: `It has ${file.size} bytes; ${options.what} may have ${maxBytes}.`,
      do: 'Check that it is the right file.',
    })
  }
  const bytes = new Uint8Array(file.size)
  await readFully(file.handle, path, bytes, 0)
  return parseJson(bytes, path, options)
}

/** As `readJsonFile`, or undefined where there is no such file. */
export async function readOptionalJsonFile(path: string, options: ReadJsonOptions): Promise<unknown> {
  return readJsonFile(path, options).catch((error: unknown) => {
    if (error instanceof QvlError && isMissing(error.details.cause)) return undefined
    throw error
  })
}

/** Parses strict JSON: UTF-8, no repeated keys, no `__proto__`, no NaN, bounded depth and number of values. */
export function parseJson(bytes: Uint8Array, file: string, options: ReadJsonOptions): unknown {
  const invalid = (why: string, cause?: unknown): QvlError =>
    new QvlError(options.code ?? 'CHECKPOINT_INVALID', {
      what: `${file} cannot be used as ${options.what}.`,
      why,
      do: 'Download the file again, or correct it.',
      cause,
    })
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw invalid('It is not valid UTF-8.', cause)
  }
  const maxDepth = options.maxDepth ?? defaultMaxDepth
  const maxValues = options.maxValues ?? defaultMaxValues
  const maxKeys = options.maxKeys ?? defaultMaxKeys
  const fault = findJsonFault(text, { maxDepth, maxValues, maxKeys })
  if (fault !== undefined) throw invalid(fault)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw invalid('It is not valid JSON.', cause)
  }
}
