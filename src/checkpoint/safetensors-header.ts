// The JSON header of a safetensors file: every rule of the format about tensors, their types, shapes and ranges.

import { QvlError } from '../errors.js'
import { isJsonObject, type JsonObject } from './fields.js'
import { parseJson } from './json.js'
import { quoteName } from './quote-name.js'

/** Bits per element of every dtype of the format. */
const dtypeBits = {
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
  C64: 64,
} as const

export type SafetensorsDtype = keyof typeof dtypeBits

/** The largest published checkpoints have fewer than 100,000 tensors over all their files. */
const maxTensors = 262_144
/** Tensors have at most five axes in practice (a video patch kernel); the format sets no limit. */
const maxRank = 64

export interface SafetensorsEntry {
  name: string
  dtype: SafetensorsDtype
  shape: readonly number[]
  /** Byte offset of the first element from the start of the file. */
  offset: number
  /** Size in bytes. */
  bytes: number
}

export interface SafetensorsHeader {
  tensors: Map<string, SafetensorsEntry>
  metadata: ReadonlyMap<string, string>
}

/** Reads the header of a file whose data starts at `dataStart` and has `dataBytes` bytes. */
export function parseHeader(header: Uint8Array, file: string, dataStart: number, dataBytes: number): SafetensorsHeader {
  if (header[0] !== '{'.charCodeAt(0)) throw invalidFile(file, 'Its header does not begin with {.')
  const raw = parseJson(header, file, {
    what: 'a safetensors file',
    maxDepth: 3,
    // Per tensor: its own entry, three fields, two offsets and, mostly, one or two axes.
    maxValues: maxTensors * 8,
    // The tensors and __metadata__.
    maxKeys: maxTensors + 1,
  })
  if (!isJsonObject(raw)) throw invalidFile(file, 'Its header is not a JSON object.')
  const { __metadata__: rawMetadata, ...rawTensors } = raw
  const entries = Object.entries(rawTensors)
  const relative = entries.map(([name, value]) => parseEntry(name, value, file))
  checkRanges(relative, file, dataBytes)
  return {
    metadata: parseMetadata(rawMetadata, file),
    tensors: new Map(relative.map((entry) => [entry.name, { ...entry, offset: entry.offset + dataStart }])),
  }
}

export function invalidFile(file: string, why: string): QvlError {
  return new QvlError('CHECKPOINT_INVALID', {
    what: `${file} is not a valid safetensors file.`,
    why,
    do: 'Download the file again, or convert the checkpoint again.',
  })
}

export function invalidTensor(name: string, file: string, why: string): QvlError {
  return new QvlError('TENSOR_INVALID', {
    what: `The tensor ${quoteName(name)} of ${file} is not valid.`,
    why,
    do: 'Download the file again, or convert the checkpoint again.',
    param: quoteName(name),
  })
}

function parseMetadata(raw: unknown, file: string): ReadonlyMap<string, string> {
  if (raw === undefined) return new Map()
  if (!isJsonObject(raw)) throw invalidFile(file, 'Its __metadata__ is not a JSON object.')
  const metadata = new Map<string, string>()
  for (const [key, value] of Object.entries(raw)) {
    if (typeof value !== 'string')
      throw invalidFile(file, `Its __metadata__ has a value for ${quoteName(key)} that is not text.`)
    metadata.set(key, value)
  }
  return metadata
}

/** One tensor, with its offset still counted from the start of the data. */
function parseEntry(name: string, raw: unknown, file: string): SafetensorsEntry {
  const invalid = (why: string): QvlError => invalidTensor(name, file, why)
  if (!isJsonObject(raw)) throw invalid('Its entry in the header is not a JSON object.')
  const { dtype, shape } = raw
  if (typeof dtype !== 'string') throw invalid('Its dtype is missing or not text.')
  if (!isDtype(dtype)) throw invalid(`Its dtype ${quoteName(dtype)} is not one of the format.`)
  if (!isShape(shape)) throw invalid(`Its shape is not a list of at most ${maxRank} whole numbers from 0 to 2^53 - 1.`)
  const [begin, end] = dataOffsets(raw, invalid)
  const bytes = sizeInBytes(shape, dtype, invalid)
  if (end - begin !== bytes) {
    throw invalid(
      `Its data_offsets span ${end - begin} bytes; its shape [${shape}] and dtype ${dtype} take ${bytes} bytes.`,
    )
  }
  return { name, dtype, shape, offset: begin, bytes }
}

function dataOffsets({ data_offsets: offsets }: JsonObject, invalid: (why: string) => QvlError): [number, number] {
  if (!isShape(offsets) || offsets.length !== 2)
    throw invalid('Its data_offsets are not two whole numbers from 0 to 2^53 - 1.')
  const [begin, end] = offsets
  if (begin! > end!) throw invalid(`Its data_offsets end at ${end}, before they begin at ${begin}.`)
  return [begin!, end!]
}

function sizeInBytes(shape: readonly number[], dtype: SafetensorsDtype, invalid: (why: string) => QvlError): number {
  // Exact: a product of 53-bit numbers does not fit a double.
  let bits = BigInt(dtypeBits[dtype])
  for (const axis of shape) {
    bits *= BigInt(axis)
    if (bits > BigInt(Number.MAX_SAFE_INTEGER))
      throw invalid(`Its shape [${shape}] overflows: it is more than 2^53 bits.`)
  }
  if (bits % 8n !== 0n) throw invalid(`Its shape [${shape}] and dtype ${dtype} do not fill whole bytes.`)
  return Number(bits / 8n)
}

/** In the order of their offsets, tensors cover the data exactly: no gap, no overlap, nothing left over. */
function checkRanges(entries: readonly SafetensorsEntry[], file: string, dataBytes: number): void {
  let end = 0
  for (const { name, offset, bytes } of entries.toSorted((a, b) => a.offset - b.offset || a.bytes - b.bytes)) {
    if (offset !== end) {
      const why = offset > end ? 'there is a gap before it' : 'it overlaps the one before'
      throw invalidTensor(
        name,
        file,
        `It begins at byte ${offset} of the data, the tensor before ends at ${end}: ${why}.`,
      )
    }
    end += bytes
    if (end > dataBytes) {
      throw invalidTensor(
        name,
        file,
        `It ends at byte ${end} of the data, which has only ${dataBytes}: the file is truncated.`,
      )
    }
  }
  if (end !== dataBytes) {
    throw invalidFile(file, `It has ${dataBytes - end} trailing bytes after the last tensor.`)
  }
}

function isDtype(value: string): value is SafetensorsDtype {
  return Object.hasOwn(dtypeBits, value)
}

function isShape(value: unknown): value is number[] {
  return (
    Array.isArray(value) && value.length <= maxRank && value.every((axis) => Number.isSafeInteger(axis) && axis >= 0)
  )
}
