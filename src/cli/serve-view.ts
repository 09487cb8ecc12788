// What a person sees of qvl serve: log lines, and on a terminal the phases of the start and then a panel below them.

import type { DownloadEvent } from '../checkpoint/locate.js'
import type { RunningServer } from '../server/server.js'
import type { Context } from './context.js'
import { packageVersion } from './help.js'
import { panelLines } from './panel/layout.js'
import { type LineOptions, symbolsFor } from './panel/line.js'
import { mayDraw } from './panel/may-draw.js'
import { openScreen } from './panel/open-screen.js'
import { type PhaseName, Phases } from './panel/phases.js'
import type { Screen, Size } from './panel/screen.js'
import { Recent, type Snapshot } from './panel/snapshot.js'
import { paint } from './terminal.js'

export interface ServeView {
  /** Lines of the log. */
  write(text: string): void
  /** What the server is about to do before it is ready. */
  starting(model: string): void
  phase(name: PhaseName): void
  download(event: DownloadEvent): void
  /** It is ready: from here on its metrics are shown. */
  serving(server: RunningServer, model: string): Promise<void>
  /** Something has changed that should not wait for the next second. */
  refresh(): Promise<void>
  /** Gives the terminal back. Closing twice is fine. */
  close(): void
}

export async function openServeView(context: Context): Promise<ServeView> {
  const { settings, terminal } = context
  const isForPeople = !settings.quiet && settings['log-format'] === 'text'
  return isForPeople && mayDraw(terminal, process.env) ? LiveView.open(context) : new PlainView(context)
}

/** For log files and pipes, and for those who want no panel. */
class PlainView implements ServeView {
  readonly #context: Context

  constructor(context: Context) {
    this.#context = context
  }

  write(text: string): void {
    const { progress, stderr } = this.#context
    progress.clear()
    stderr.write(text)
  }

  download(event: DownloadEvent): void {
    this.#context.progress.download(event)
  }

  starting(): void {}

  phase(): void {}

  async serving(): Promise<void> {}

  async refresh(): Promise<void> {}

  close(): void {}
}

/** Spinners and bars move; the panel has nothing new more often than this. */
const startingMs = 100
const servingMs = 1_000

class LiveView implements ServeView {
  readonly #options: Omit<LineOptions, 'columns'>
  readonly #phases = new Phases()
  readonly #recent = new Recent()
  #title = ''
  #server: RunningServer | undefined
  #model = ''
  #snapshot: Snapshot | undefined
  #screen!: Screen
  #timer: NodeJS.Timeout | undefined

  static async open({ stderr, terminal }: Context): Promise<LiveView> {
    const view = new LiveView({ color: terminal.stderr.color, symbols: symbolsFor(process.env) })
    view.#screen = await openScreen(stderr, (size) => view.#frame(size))
    return view
  }

  private constructor(options: Omit<LineOptions, 'columns'>) {
    this.#options = options
  }

  write(text: string): void {
    this.#screen.write(text)
  }

  starting(model: string): void {
    this.#title = `qvl ${packageVersion()} starts with ${model}`
    this.#timer = setInterval(() => this.#screen.draw(), startingMs)
    this.phase('resolve')
  }

  phase(name: PhaseName): void {
    this.#phases.enter(name)
    this.#screen.draw()
  }

  download(event: DownloadEvent): void {
    // Drawn by the timer: there are many of these a second.
    this.#phases.download(event)
  }

  async serving(server: RunningServer, model: string): Promise<void> {
    clearInterval(this.#timer)
    this.#phases.end()
    this.#server = server
    this.#model = model
    this.write(`${paint(`Start: ${this.#phases.summary}`, 'dim', this.#options.color)}\n`)
    await this.refresh()
    this.#timer = setInterval(() => void this.refresh(), servingMs)
  }

  async refresh(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    const { address, readiness, metrics } = server
    const { state, why } = readiness
    const reading = { address, state, why, model: this.#model, version: packageVersion() }
    const text = await metrics.render()
    this.#snapshot = this.#recent.add({ ...reading, metrics: text }, performance.now(), Date.now() / 1000)
    this.#screen.draw()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#screen.close()
  }

  #frame(size: Size): string[] {
    const options = { ...size, ...this.#options }
    if (this.#snapshot !== undefined) return panelLines(this.#snapshot, options)
    return this.#title === '' ? [] : this.#phases.lines(this.#title, options)
  }
}
