// Opens safetensors files: one bounded read of the header, every rule of the format checked, no tensor data touched.

import { createHash } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { endsEarly, openRegularFile, readFully } from './file-bytes.js'
import { invalidFile, parseHeader, type SafetensorsEntry } from './safetensors-header.js'

/** The format's own limit. */
const maxHeaderBytes = 100_000_000
/** The length of the header, a 64-bit little-endian number. */
const lengthBytes = 8

export interface SafetensorsFile {
  /** Absolute path of the real file (symbolic links resolved). */
  file: string
  tensors: ReadonlyMap<string, SafetensorsEntry>
  metadata: ReadonlyMap<string, string>
  /** Size of the JSON header in bytes. */
  headerBytes: number
  /** sha256 of the JSON header, hex. */
  headerSha256: string
  /** Size of the file in bytes. */
  size: number
}

/** Throws CHECKPOINT_FILE_MISSING, CHECKPOINT_INVALID or TENSOR_INVALID, with the file and the broken rule. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  await using opened = await openRegularFile(path)
  const { handle, size } = opened
  if (size < lengthBytes) throw endsEarly(path, lengthBytes, size)
  const length = new Uint8Array(lengthBytes)
  await readFully(handle, path, length, 0)
  if (new TextDecoder().decode(length) === 'version ') {
    throw invalidFile(path, 'It looks like a Git LFS pointer: the repository was cloned without its large files.')
  }
  const headerBytes = checkedHeaderBytes(new DataView(length.buffer).getBigUint64(0, true), path, size)
  const header = new Uint8Array(headerBytes)
  await readFully(handle, path, header, lengthBytes)
  const dataStart = lengthBytes + headerBytes
  return {
    ...parseHeader(header, path, dataStart, size - dataStart),
    file: await realpath(path),
    headerBytes,
    headerSha256: createHash('sha256').update(header).digest('hex'),
    size,
  }
}

function checkedHeaderBytes(declared: bigint, path: string, size: number): number {
  if (declared > BigInt(maxHeaderBytes)) {
    throw invalidFile(path, `Its header claims ${declared} bytes; at most ${maxHeaderBytes} are allowed.`)
  }
  const headerBytes = Number(declared)
  if (headerBytes < 2) throw invalidFile(path, `Its header claims ${headerBytes} bytes; it takes at least 2.`)
  if (lengthBytes + headerBytes > size) throw endsEarly(path, lengthBytes + headerBytes, size)
  return headerBytes
}
