// Progress on stderr: bars on a terminal, otherwise a line now and then.

import type { DownloadEvent } from '../checkpoint/locate.js'
import type { RunProgress } from '../offline/run.js'
import { ProgressBars } from './progress-bars.js'
import { type LoadProgress, loadText, megabytes, runText } from './progress-text.js'

export interface Progress {
  download(event: DownloadEvent): void
  run(event: RunProgress): void
  /** Requests sent to a server. */
  load(event: LoadProgress): void
  /** Takes bars away, so that text can be written; the next event brings them back. */
  clear(): void
}

interface ProgressOptions {
  stream: NodeJS.WriteStream
  animate: boolean
  quiet: boolean
}

/** Without a terminal, progress is one line in this time. */
const plainIntervalMs = 10_000

export function progressOn({ stream, animate, quiet }: ProgressOptions): Progress {
  if (quiet) return { download() {}, run() {}, load() {}, clear() {} }
  return animate ? new ProgressBars(stream) : new PlainProgress(stream)
}

/** For log files and pipes. */
class PlainProgress implements Progress {
  readonly #stream: NodeJS.WriteStream
  #last = performance.now()
  #run: { first: RunProgress; started: number } | undefined

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  download({ file, received, total, done, files }: DownloadEvent): void {
    if (!this.#isDue()) return
    const size = `${megabytes(received)} of ${megabytes(total)}`
    this.#stream.write(`downloading ${file}: ${size}, ${done} of ${files} files done\n`)
  }

  run(event: RunProgress): void {
    this.#run ??= { first: event, started: performance.now() }
    if (!this.#isDue()) return
    const { first, started } = this.#run
    this.#stream.write(`${runText(first, event, performance.now() - started)}\n`)
  }

  load(event: LoadProgress): void {
    if (this.#isDue()) this.#stream.write(`${loadText(event)}\n`)
  }

  clear(): void {}

  #isDue(): boolean {
    const now = performance.now()
    if (now - this.#last < plainIntervalMs) return false
    this.#last = now
    return true
  }
}
