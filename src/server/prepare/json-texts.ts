// JSON texts that wait for an answer to hold them, in one buffer: it crosses to another thread without being copied.

import type { Echo } from '../../api/echo.js'

/** Documents to repeat, or an answer in pieces. */
export class JsonTexts implements Echo {
  /** One text after the other, in UTF-8. */
  readonly bytes: Uint8Array<ArrayBuffer>
  /** Where each ends. */
  readonly ends: Uint32Array<ArrayBuffer>

  constructor(bytes: Uint8Array<ArrayBuffer>, ends: Uint32Array<ArrayBuffer>) {
    this.bytes = bytes
    this.ends = ends
  }

  static of(texts: readonly string[]): JsonTexts {
    const ends = new Uint32Array(texts.length)
    const bytes = new Uint8Array(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0))
    let end = 0
    for (const [index, text] of texts.entries()) {
      end += encoder.encodeInto(text, bytes.subarray(end)).written
      ends[index] = end
    }
    return new JsonTexts(bytes, ends)
  }

  get length(): number {
    return this.ends.length
  }

  at(index: number): string {
    return [...this.pieces(index)].join('')
  }

  *pieces(index: number): Generator<string, void, undefined> {
    const bytes = Buffer.from(this.bytes.buffer)
    const end = this.ends[index]!
    let start = index === 0 ? 0 : this.ends[index - 1]!
    while (start < end) {
      let next = Math.min(start + bytesPerPiece, end)
      // A character is never cut: its later bytes all begin with the bits 10.
      while (next < end && (bytes[next]! & 0xc0) === 0x80) next--
      yield bytes.toString('utf8', start, next)
      start = next
    }
  }

  *[Symbol.iterator](): Generator<string, void, undefined> {
    for (let index = 0; index < this.length; index++) yield this.at(index)
  }
}

/** Decoded at once: some tenths of a millisecond. */
const bytesPerPiece = 256 * 1024

const encoder = new TextEncoder()
