// Answers of `encoding_format: bytes`: vectors back to back, and a header that says where each one is.

import type { Usage } from '../engine/requests.js'
import { type AnswerHead, addUsage } from './answer.js'
import { bytesPerElement, floatBytes } from './float-bytes.js'
import { checkVector, type VectorFormat } from './floats.js'

export type BytesFormat = Exclude<VectorFormat, { encoding: 'float' }>

/** A vector, or a matrix of [rows, width], row by row. */
export interface VectorResult {
  data: Float32Array
  shape: readonly number[]
  usage: Usage
}

export interface VectorBytes {
  /** The value of the header `metadata`, in ASCII; absent for `bytes_only`. */
  metadata: string | undefined
  /** application/octet-stream, one result a piece. */
  pieces: Iterable<Uint8Array>
}

/** @param prefix of the id, such as `embd`. Throws RESULT_NOT_FINITE. */
export function renderVectorBytes(
  prefix: string,
  head: AnswerHead,
  format: BytesFormat,
  results: readonly VectorResult[],
): VectorBytes {
  for (const { data } of results) checkVector(data, format)
  return {
    metadata: format.encoding === 'bytes' ? metadataHeader(prefix, head, format, results) : undefined,
    pieces: {
      *[Symbol.iterator]() {
        for (const { data } of results) yield floatBytes(data, format.dtype, format.endianness)
      },
    },
  }
}

function metadataHeader(
  prefix: string,
  head: AnswerHead,
  { dtype, endianness }: BytesFormat,
  results: readonly VectorResult[],
): string {
  let end = 0
  const data = results.map((result, index) => {
    const start = end
    end += result.data.length * bytesPerElement(dtype)
    return { index, embed_dtype: dtype, endianness, start, end, shape: result.shape }
  })
  const { promptTokens } = addUsage(results.map(({ usage }) => usage))
  const usage = { prompt_tokens: promptTokens, total_tokens: promptTokens }
  return ascii(JSON.stringify({ id: `${prefix}-${head.id}`, created: head.created, model: head.model, data, usage }))
}

/** Headers are Latin-1 at best; a model's name may be anything. */
const ascii = (json: string): string =>
  json.replace(/[\u0080-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
