// Progress bars of cli-progress: one for each file of a download, one for a run.

import { MultiBar, type SingleBar } from 'cli-progress'
import type { DownloadEvent } from '../checkpoint/locate.js'
import type { RunProgress } from '../offline/run.js'
import type { Progress } from './progress.js'
import { type LoadProgress, loadText, megabytes, runText } from './progress-text.js'

const formats = {
  download: '{file} {bar} {percentage}% {size}, {speed}/s',
  run: '{bar} {percentage}% {text}',
  /** A pipe does not say how much will come. */
  runWithoutEnd: '{text}',
}

export class ProgressBars implements Progress {
  readonly #stream: NodeJS.WriteStream
  #bars: MultiBar | undefined
  #files = new Map<string, { bar: SingleBar; started: number; receivedBefore: number }>()
  #run: SingleBar | undefined
  #started: { first: RunProgress; at: number } | undefined

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  download({ file, received, total }: DownloadEvent): void {
    const now = performance.now()
    let entry = this.#files.get(file)
    if (entry === undefined) {
      const payload = { file, size: '', speed: '' }
      const bar = this.#open().create(total ?? 0, received, payload, { format: formats.download })
      entry = { bar, started: now, receivedBefore: received }
      this.#files.set(file, entry)
    }
    const seconds = Math.max((now - entry.started) / 1000, 0.1)
    const speed = megabytes((received - entry.receivedBefore) / seconds)
    entry.bar.setTotal(total ?? received)
    entry.bar.update(received, { file, size: `${megabytes(received)} of ${megabytes(total)}`, speed })
  }

  run(event: RunProgress): void {
    const { bytesRead, totalBytes } = event
    this.#started ??= { first: event, at: performance.now() }
    const text = runText(this.#started.first, event, performance.now() - this.#started.at)
    const format = totalBytes === undefined ? formats.runWithoutEnd : formats.run
    this.#run ??= this.#open().create(totalBytes ?? 1, 0, { text }, { format })
    this.#run.update(totalBytes === undefined ? 0 : bytesRead, { text })
  }

  load(event: LoadProgress): void {
    const text = loadText(event)
    this.#run ??= this.#open().create(event.total, 0, { text }, { format: formats.run })
    this.#run.update(event.ended, { text })
  }

  clear(): void {
    this.#bars?.stop()
    this.#bars = undefined
    this.#run = undefined
    this.#files.clear()
  }

  #open(): MultiBar {
    this.#bars ??= new MultiBar({ stream: this.#stream, clearOnComplete: true, barsize: 24, emptyOnZero: true })
    return this.#bars
  }
}
