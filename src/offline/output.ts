// Where a run writes: a stream as it goes, or a file that appears when it is complete.

import type { Writable } from 'node:stream'
import { unlessAborted } from './abort.js'
import type { Encoded } from './encoders.js'
import { errorCode, unwritable } from './file-errors.js'
import type { RunState } from './run-state.js'

/** Answers are handed over in blocks of this size: large enough to be few, small enough to stay out of the way. */
const blockBytes = 1024 * 1024

/** A place between two chunks. */
export type Mark = Pick<RunState, 'input' | 'lines' | 'failed'>

export interface Output extends AsyncDisposable {
  write(encoded: Encoded): Promise<void>
  /** What has been written so far are whole chunks; a resumed run may start here. */
  mark(mark: Mark): Promise<void>
  /** Everything written is handed over, and the last mark is saved. */
  flush(): Promise<void>
  /** After the last line. */
  complete(): Promise<void>
  /** The reader has gone away, and nothing more is wanted. */
  readonly closed: boolean
  /** Where an earlier run stopped. */
  readonly resumed: RunState | undefined
}

/** Collects bytes into blocks. */
export class Blocks {
  readonly #write: (block: Uint8Array) => Promise<void>
  #parts: Uint8Array[] = []
  #bytes = 0

  constructor(write: (block: Uint8Array) => Promise<void>) {
    this.#write = write
  }

  async add(bytes: Uint8Array): Promise<void> {
    this.#parts.push(bytes)
    this.#bytes += bytes.length
    if (this.#bytes >= blockBytes) await this.flush()
  }

  async flush(): Promise<void> {
    if (this.#bytes === 0) return
    const block = Buffer.concat(this.#parts)
    this.#parts = []
    this.#bytes = 0
    await this.#write(block)
  }
}

/** Standard output, or any other stream. The stream stays open: it belongs to the caller. */
export class StreamOutput implements Output {
  readonly resumed = undefined
  readonly #stream: Writable
  readonly #signal: AbortSignal
  readonly #blocks = new Blocks((block) => this.#send(block))
  #closed = false

  /** Aborting ends a write that waits for its reader. */
  constructor(stream: Writable, signal: AbortSignal) {
    this.#stream = stream
    this.#signal = signal
    // Failures are seen in the callback of a write. The event comes after it, when the run may be over, and without a
    // listener it would end the process.
    this.#stream.on('error', () => {})
  }

  get closed(): boolean {
    return this.#closed
  }

  async write({ output }: Encoded): Promise<void> {
    await this.#blocks.add(output)
  }

  /** A reader at the other end of a pipe sees whole chunks as they are answered. */
  async mark(): Promise<void> {
    await this.#blocks.flush()
  }

  async flush(): Promise<void> {
    if (!this.#signal.aborted) await this.#blocks.flush()
  }

  async complete(): Promise<void> {
    await this.#blocks.flush()
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Returns when the bytes were taken, so that a slow reader slows the run. */
  async #send(block: Uint8Array): Promise<void> {
    if (this.#closed) return
    const written = new Promise<Error | null | undefined>((resolve) => this.#stream.write(block, resolve))
    const error = await unlessAborted(written, this.#signal)
    if (error == null) return
    // `qvl embed | head` has read enough.
    if (errorCode(error) === 'EPIPE' || errorCode(error) === 'ERR_STREAM_DESTROYED') this.#closed = true
    else throw unwritable('The output', error)
  }
}
