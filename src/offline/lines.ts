// Lines out of a byte stream, with the position and hash of what has been taken, in memory that does not grow.

import { createHash } from 'node:crypto'
import { QvlError } from '../errors.js'

/** One line may hold a rerank request with images; this is the server's limit for a body. */
const defaultMaxLineBytes = 64 * 1024 * 1024

const newline = 0x0a
const byteOrderMark = '\uFEFF'
/** White space as JSON knows it. */
const blank = /^[ \t\r]*$/

export interface Line {
  /** From 1, blank lines counted, as editors show it. */
  number: number
  /** Without its line end; an error where the bytes are not a text that can be used. */
  text: string | QvlError
}

const isBlank = ({ text }: Line): boolean => typeof text === 'string' && blank.test(text)

/** How much of the input has been taken. */
export interface InputPosition {
  bytes: number
  lines: number
  /** Of the bytes taken, in hexadecimal. */
  sha256: string
}

export class LineReader {
  readonly #chunks: AsyncIterator<Uint8Array>
  readonly #maxLineBytes: number
  readonly #hash = createHash('sha256')
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  /** The bytes read last, how far lines were taken from them, and how far they went into the hash. */
  #chunk: Buffer = Buffer.alloc(0)
  #taken = 0
  #hashed = 0
  /** Bytes in earlier chunks. */
  #bytesBefore = 0
  #lines = 0
  #ended = false
  readonly #end: number

  /** A line that begins at byte `end` or later is not taken. */
  constructor(
    input: AsyncIterable<Uint8Array>,
    options: { maxLineBytes?: number | undefined; end?: number | undefined } = {},
  ) {
    this.#chunks = input[Symbol.asyncIterator]()
    this.#maxLineBytes = options.maxLineBytes ?? defaultMaxLineBytes
    this.#end = options.end ?? Number.POSITIVE_INFINITY
  }

  /** The next line that is not blank; undefined at the end. A last line without a line end counts. */
  async next(): Promise<Line | undefined> {
    for (;;) {
      const line = await this.#nextOf(this.#end)
      if (line === undefined || !isBlank(line)) return line
    }
  }

  /** Take all lines that begin before a byte. Returns how many of them are not blank. */
  async skipBefore(byte: number): Promise<number> {
    let count = 0
    for (;;) {
      const line = await this.#nextOf(byte)
      if (line === undefined) return count
      if (!isBlank(line)) count++
    }
  }

  async #nextOf(end: number): Promise<Line | undefined> {
    if (this.bytesTaken >= end) return undefined
    const bytes = await this.#takeLine()
    if (bytes === undefined) return undefined
    this.#lines++
    return { number: this.#lines, text: bytes === 'too long' ? this.#tooLong() : this.#decode(bytes) }
  }

  get position(): InputPosition {
    this.#updateHash()
    return { bytes: this.bytesTaken, lines: this.#lines, sha256: this.#hash.copy().digest('hex') }
  }

  get bytesTaken(): number {
    return this.#bytesBefore + this.#taken
  }

  /** Move to a position of an earlier run. Returns false where the input up to there is shorter or another one. */
  async skipTo({ bytes, lines, sha256 }: InputPosition): Promise<boolean> {
    while (this.bytesTaken < bytes) {
      if (this.#taken === this.#chunk.length && !(await this.#read())) return false
      this.#taken = Math.min(this.#chunk.length, bytes - this.#bytesBefore)
    }
    this.#lines = lines
    return this.position.sha256 === sha256
  }

  async #takeLine(): Promise<Buffer | 'too long' | undefined> {
    let parts: Buffer[] = []
    let length = 0
    for (;;) {
      const start = this.#taken
      const end = this.#chunk.indexOf(newline, start)
      const part = this.#chunk.subarray(start, end < 0 ? undefined : end)
      length += part.length
      if (length <= this.#maxLineBytes) parts.push(part)
      else parts = []
      this.#taken = end < 0 ? this.#chunk.length : end + 1
      if (end >= 0) break
      if (!(await this.#read())) {
        if (length === 0) return undefined
        break
      }
    }
    if (length > this.#maxLineBytes) return 'too long'
    return parts.length === 1 ? parts[0] : Buffer.concat(parts)
  }

  /** Only when the last chunk has been taken whole. */
  async #read(): Promise<boolean> {
    if (this.#ended) return false
    this.#updateHash()
    const { done, value } = await this.#chunks.next()
    this.#ended = done === true
    if (done) return false
    this.#bytesBefore += this.#chunk.length
    this.#chunk = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    this.#taken = 0
    this.#hashed = 0
    return true
  }

  #updateHash(): void {
    this.#hash.update(this.#chunk.subarray(this.#hashed, this.#taken))
    this.#hashed = this.#taken
  }

  #decode(bytes: Buffer): string | QvlError {
    try {
      const text = this.#decoder.decode(bytes)
      const start = this.#lines === 1 && text.startsWith(byteOrderMark) ? 1 : 0
      return text.slice(start, text.endsWith('\r') ? -1 : undefined)
    } catch (cause) {
      return new QvlError('REQUEST_INVALID', {
        what: `Line ${this.#lines} is not valid UTF-8.`,
        do: 'Save the input as UTF-8.',
        cause,
      })
    }
  }

  #tooLong(): QvlError {
    return new QvlError('REQUEST_INVALID', {
      what: `Line ${this.#lines} is longer than ${this.#maxLineBytes} bytes.`,
      why: 'Memory has to stay bounded.',
      do: 'Split it into several lines.',
    })
  }
}
