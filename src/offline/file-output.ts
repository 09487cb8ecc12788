// `-o FILE`: written to FILE.part, saved between chunks so that --resume can go on, and renamed at the end.

import { rename, rm } from 'node:fs/promises'
import type { Encoded } from './encoders.js'
import { statOrNone, writing } from './file-errors.js'
import { npyHeader } from './npy.js'
import { Blocks, type Mark, type Output } from './output.js'
import { PartFile, partPath } from './part-file.js'
import { type RunIdentity, type RunState, statePath, writeRunState } from './run-state.js'

/** A crash loses what was done in this time; saving more often would wait for the disk more than for the device. */
const defaultSaveIntervalMs = 1_000

export interface FileOutputOptions {
  /** The path to write, links resolved. */
  file: string
  identity: RunIdentity
  /** Numbers in a row of an array; absent for JSON lines. */
  npyWidth: number | undefined
  /** Where an earlier run stopped; absent to start anew. */
  resumed: RunState | undefined
  saveIntervalMs: number | undefined
}

export class FileOutput implements Output {
  readonly closed = false
  readonly #options: FileOutputOptions
  readonly #output: PartFile
  /** Failures of an array, which cannot hold them. */
  readonly #errors: PartFile | undefined
  readonly #blocks: Blocks
  #rows: number
  /** The last place between two chunks, until it is saved. */
  #unsaved: RunState | undefined
  #savedAt = performance.now()

  /** Throws OUTPUT_UNWRITABLE. */
  static async open(options: FileOutputOptions): Promise<FileOutput> {
    const { file, npyWidth, resumed } = options
    const output = await PartFile.open(file, resumed?.outputBytes ?? 0)
    if (npyWidth === undefined) return new FileOutput(options, output, undefined)
    if (output.bytes === 0) await output.append(npyHeader(0, npyWidth))
    return new FileOutput(options, output, await PartFile.open(errorsPath(file), resumed?.errorBytes ?? 0))
  }

  private constructor(options: FileOutputOptions, output: PartFile, errors: PartFile | undefined) {
    this.#options = options
    this.#output = output
    this.#errors = errors
    this.#blocks = new Blocks((block) => this.#output.append(block))
    this.#rows = options.resumed?.lines ?? 0
  }

  get resumed(): RunState | undefined {
    return this.#options.resumed
  }

  async write({ output, errors }: Encoded): Promise<void> {
    await this.#blocks.add(output)
    if (errors !== undefined) await this.#errors?.append(errors)
    this.#rows++
  }

  async mark(mark: Mark): Promise<void> {
    await this.#blocks.flush()
    this.#unsaved = { ...mark, outputBytes: this.#output.bytes, errorBytes: this.#errors?.bytes ?? 0 }
    const saveIntervalMs = this.#options.saveIntervalMs ?? defaultSaveIntervalMs
    if (performance.now() - this.#savedAt >= saveIntervalMs) await this.#save()
  }

  async flush(): Promise<void> {
    await this.#blocks.flush()
    await this.#save()
  }

  async complete(): Promise<void> {
    const { file, npyWidth } = this.#options
    await this.#blocks.flush()
    if (npyWidth !== undefined) await this.#output.write(npyHeader(this.#rows, npyWidth), 0)
    await this.#errors?.sync()
    await this.#output.complete()
    await finishRun(file)
  }

  async close(): Promise<void> {
    await this.#output.close()
    await this.#errors?.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** The bytes first: a saved state never promises what the disk does not have. */
  async #save(): Promise<void> {
    if (this.#unsaved === undefined) return
    const { file, identity } = this.#options
    await this.#output.sync()
    await this.#errors?.sync()
    await writeRunState(file, identity, this.#unsaved)
    this.#unsaved = undefined
    this.#savedAt = performance.now()
  }
}

/** The failures that belong to the rows of an array. */
export const errorsPath = (file: string): string => `${file}.errors.jsonl`

/** What is left to do once FILE has its name; also after a crash in between. */
export async function finishRun(file: string): Promise<void> {
  const errors = errorsPath(file)
  const part = partPath(errors)
  const written = await statOrNone(part)
  if (written !== undefined && written.size > 0) await writing(errors, rename(part, errors))
  // An array without failures has no such file, not even that of the array it replaced.
  if (written?.size === 0) await Promise.all([part, errors].map((path) => writing(path, rm(path, { force: true }))))
  await writing(statePath(file), rm(statePath(file), { force: true }))
}
