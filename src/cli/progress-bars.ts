// Progress bars on a terminal, drawn by cli-progress: one for each file of a download, one for a run.

import { MultiBar, type SingleBar } from 'cli-progress'
import type { DownloadEvent } from '../checkpoint/locate.js'
import type { RunProgress } from '../offline/run.js'
import { type Symbols, symbolsFor } from './panel/line.js'
import type { Progress } from './progress.js'
import { type DownloadState, downloadLine, runLine } from './progress-line.js'
import { type LoadProgress, loadParts, runParts } from './progress-text.js'

/** Of a terminal that does not tell its width. */
const usualColumns = 80

interface File {
  bar: SingleBar
  state: DownloadState
}

export class ProgressBars implements Progress {
  readonly #stream: NodeJS.WriteStream
  readonly #symbols: Symbols = symbolsFor(process.env)
  #bars: MultiBar | undefined
  #files = new Map<string, File>()
  #run: SingleBar | undefined
  #line: { parts: readonly string[]; share: number | undefined } = { parts: [], share: undefined }
  #started: { first: RunProgress; at: number } | undefined

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  download({ file, received, total }: DownloadEvent): void {
    const now = performance.now()
    const { bar, state } = this.#files.get(file) ?? this.#begin(file, received, now)
    Object.assign(state, { received, total, ms: now - state.started })
    bar.setTotal(total ?? received)
    bar.update(received)
  }

  run(event: RunProgress): void {
    const { bytesRead, totalBytes } = event
    this.#started ??= { first: event, at: performance.now() }
    const parts = runParts(this.#started.first, event, performance.now() - this.#started.at)
    // A pipe does not say how much will come.
    this.#show(parts, totalBytes === undefined ? undefined : { done: bytesRead, all: totalBytes })
  }

  load(event: LoadProgress): void {
    this.#show(loadParts(event), { done: event.ended, all: event.total })
  }

  clear(): void {
    this.#bars?.stop()
    this.#bars = undefined
    this.#run = undefined
    this.#files.clear()
  }

  #begin(file: string, received: number, now: number): File {
    const state: DownloadState = { file, received, total: undefined, before: received, started: now, ms: 0 }
    const format = (): string => downloadLine(state, this.#columns, this.#symbols)
    const entry = { bar: this.#open().create(1, 0, {}, { format }), state }
    this.#files.set(file, entry)
    return entry
  }

  #show(parts: readonly string[], way: { done: number; all: number } | undefined): void {
    this.#line = { parts, share: way === undefined ? undefined : way.done / Math.max(1, way.all) }
    const format = (): string => runLine(this.#line.parts, this.#line.share, this.#columns, this.#symbols)
    this.#run ??= this.#open().create(way?.all ?? 1, 0, {}, { format })
    this.#run.update(way?.done ?? 0)
  }

  /** Without the last one, which cli-progress wipes when it clears the rest of a full line. */
  get #columns(): number {
    return (this.#stream.columns ?? usualColumns) - 1
  }

  #open(): MultiBar {
    this.#bars ??= new MultiBar({ stream: this.#stream, clearOnComplete: true, emptyOnZero: true })
    return this.#bars
  }
}
