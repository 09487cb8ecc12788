// Text to a stream, at the pace of its reader.

import type { Writable } from 'node:stream'
import { unwritable } from '../offline/file-errors.js'

/** Throws OUTPUT_UNWRITABLE. */
export async function writeTo(stream: Writable, text: string): Promise<void> {
  const error = await new Promise<Error | null | undefined>((resolve) => stream.write(text, resolve))
  if (error != null) throw unwritable('The output', error)
}
