// The name of an image or video by its content: equal names mean equal patches.

import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Bytes hashed before the event loop gets a turn: a few milliseconds of work. */
const bytesPerTurn = 2 * 1024 * 1024

/** sha256 of the files and of how they are prepared. Throws the signal's reason. */
export async function keyOf(
  how: readonly (string | number)[],
  files: readonly Uint8Array[],
  signal?: AbortSignal,
): Promise<string> {
  const hash = createHash('sha256').update(how.join(' '))
  let hashed = 0
  for (const file of files) {
    hash.update(`\n${file.length}\n`)
    for (let start = 0; start < file.length; start += bytesPerTurn) {
      const piece = file.subarray(start, start + bytesPerTurn)
      hash.update(piece)
      hashed += piece.length
      if (hashed < bytesPerTurn) continue
      hashed = 0
      await nextTurn()
      signal?.throwIfAborted()
    }
  }
  return hash.digest('hex')
}
