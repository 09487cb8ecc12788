// A file that takes its name when it is complete: FILE.part until then.

import { type FileHandle, open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { writing } from './file-errors.js'

export const partPath = (path: string): string => `${path}.part`

export class PartFile implements AsyncDisposable {
  readonly #path: string
  readonly #handle: FileHandle
  #bytes: number

  /** Opens FILE.part and keeps its first `keepBytes`: 0 starts anew. Throws OUTPUT_UNWRITABLE. */
  static async open(path: string, keepBytes: number): Promise<PartFile> {
    const handle = await writing(partPath(path), open(partPath(path), keepBytes === 0 ? 'w' : 'r+'))
    await writing(partPath(path), handle.truncate(keepBytes))
    return new PartFile(path, handle, keepBytes)
  }

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.#path = path
    this.#handle = handle
    this.#bytes = bytes
  }

  get bytes(): number {
    return this.#bytes
  }

  async append(data: Uint8Array): Promise<void> {
    await this.write(data, this.#bytes)
    this.#bytes += data.length
  }

  /** Bytes at a place; a system may write fewer than it is given. */
  async write(data: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await writing(
        partPath(this.#path),
        this.#handle.write(data, done, data.length - done, at + done),
      )
      done += bytesWritten
    }
  }

  /** Everything written so far survives a power cut. */
  async sync(): Promise<void> {
    await writing(partPath(this.#path), this.#handle.sync())
  }

  /** FILE.part becomes FILE in one step. */
  async complete(): Promise<void> {
    await this.sync()
    await this.close()
    await writing(this.#path, rename(partPath(this.#path), this.#path))
    await syncFolder(dirname(this.#path))
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** A rename survives a power cut once its folder is written; Windows keeps folders by itself and cannot open them. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await writing(path, open(path, 'r'))
  try {
    await writing(path, folder.sync())
  } finally {
    await folder.close()
  }
}
