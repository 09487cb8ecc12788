// Progress on stderr: bars on a terminal, otherwise a line now and then.

import type { DownloadEvent } from '../checkpoint/locate.js'
import type { RunProgress } from '../offline/run.js'
import { ProgressBars } from './progress-bars.js'
import { megabytes, runText } from './progress-text.js'

export interface Progress {
  download(event: DownloadEvent): void
  run(event: RunProgress): void
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
  if (quiet) return { download() {}, run() {}, clear() {} }
  return animate ? new ProgressBars(stream) : new PlainProgress(stream)
}

/** For log files and pipes. */
class PlainProgress implements Progress {
  readonly #stream: NodeJS.WriteStream
  readonly #started = performance.now()
  #last = this.#started

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  download({ file, received, total, done, files }: DownloadEvent): void {
    this.#now(() => `downloading ${file}: ${megabytes(received)} of ${megabytes(total)}, ${done} of ${files} files done`)
  }

  run(event: RunProgress): void {
    this.#now((elapsedMs) => `${runText(event, elapsedMs)}${percentText(event)}`)
  }

  clear(): void {}

  #now(text: (elapsedMs: number) => string): void {
    const now = performance.now()
    if (now - this.#last < plainIntervalMs) return
    this.#last = now
    this.#stream.write(`${text(now - this.#started)}\n`)
  }
}

const percentText = ({ bytesRead, totalBytes }: RunProgress): string =>
  totalBytes ? `, ${Math.floor((100 * bytesRead) / totalBytes)}%` : ''
