// What happens while a server starts, phase by phase, and how it is drawn.

import type { DownloadEvent } from '../../checkpoint/locate.js'
import { barOf, sizes, sizeText } from '../progress-line.js'
import { duration } from '../progress-text.js'
import { type Line, type LineOptions, lineText, padded } from './line.js'

export const phaseNames = ['resolve', 'download', 'read', 'pack', 'warm up'] as const
export type PhaseName = (typeof phaseNames)[number]

interface Phase {
  name: PhaseName
  /** Milliseconds on a monotonic clock. */
  started: number
  ended: number | undefined
}

interface FileProgress {
  received: number
  total: number | undefined
  /** On disk before this start. */
  before: number
}

/** Phases that were entered, in order; what was not needed is not among them. */
export class Phases {
  readonly #phases: Phase[] = []
  readonly #files = new Map<string, FileProgress>()
  #counts: Pick<DownloadEvent, 'files' | 'done'> = { files: 0, done: 0 }
  readonly #now: () => number

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  get list(): readonly Phase[] {
    return this.#phases
  }

  /** Ends the one before; entering the same one again changes nothing. */
  enter(name: PhaseName): void {
    if (this.#phases.at(-1)?.name === name) return
    this.end()
    this.#phases.push({ name, started: this.#now(), ended: undefined })
  }

  end(): void {
    const last = this.#phases.at(-1)
    if (last !== undefined) last.ended ??= this.#now()
  }

  download({ file, received, total, files, done }: DownloadEvent): void {
    this.enter('download')
    const before = this.#files.get(file)?.before ?? received
    this.#files.set(file, { received, total, before })
    this.#counts = { files, done }
  }

  /** `resolve 0.1 s, download 5.0 s`. */
  get summary(): string {
    return this.#phases.map((phase) => `${phase.name} ${this.#seconds(phase)}`).join(', ')
  }

  lines(title: string, options: LineOptions & { rows: number }): string[] {
    const entered = new Map(this.#phases.map((phase) => [phase.name, phase]))
    const last = phaseNames.indexOf(this.#phases.at(-1)?.name ?? 'resolve')
    const rows = phaseNames.flatMap((name, index): Line[] => {
      const phase = entered.get(name)
      if (phase !== undefined) return [this.#line(phase, options), ...this.#bars(phase, options)]
      return index > last ? [[{ text: `   ${name}`, style: 'dim' }]] : []
    })
    const all: Line[] = [[{ text: title, style: 'bold' }], ...rows]
    return all.slice(0, Math.max(1, options.rows - 1)).map((line) => lineText(line, options))
  }

  #line(phase: Phase, { symbols }: LineOptions): Line {
    const isOver = phase.ended !== undefined
    const tick = Math.floor((this.#now() - phase.started) / tickMs)
    const mark = isOver ? symbols.done : symbols.spinner[tick % symbols.spinner.length]!
    return [
      { text: ` ${mark} `, style: isOver ? 'green' : 'yellow' },
      { text: phase.name.padEnd(nameColumns) },
      { text: this.#seconds(phase).padStart(timeColumns) },
      { text: phase.name === 'download' ? `   ${this.#downloadText(phase)}` : '' },
    ]
  }

  #seconds({ started, ended = this.#now() }: Phase): string {
    const ms = ended - started
    return ms < 9_950 ? `${(ms / 1000).toFixed(1)} s` : duration(ms)
  }

  /** `1 of 7 files, 0.8 of 4.3 GB, 98.1 MB/s, 36 s left`. */
  #downloadText({ started, ended }: Phase): string {
    const { files, done } = this.#counts
    const all = [...this.#files.values()]
    const received = sum(all.map((file) => file.received))
    const fetched = received - sum(all.map(({ before }) => before))
    const seconds = Math.max(0.1, ((ended ?? this.#now()) - started) / 1000)
    const speed = `${sizeText(fetched / seconds)}/s`
    if (ended !== undefined) return [`${files} files`, sizeText(received), speed].join(', ')
    const total = sum(all.map((file) => file.total ?? file.received))
    const left = fetched > 0 ? [leftText(((total - received) / fetched) * seconds, all.length < files)] : []
    return [`${done} of ${files} files`, sizes(received, total), speed, ...left].join(', ')
  }

  /** One for each file that is under way, the largest first. */
  #bars({ name, ended }: Phase, options: LineOptions): Line[] {
    if (name !== 'download' || ended !== undefined) return []
    const active = [...this.#files].filter(([, { received, total }]) => total === undefined || received < total)
    const ordered = active.sort(([, one], [, two]) => (two.total ?? 0) - (one.total ?? 0))
    return ordered.slice(0, maxBars).map(([file, progress]) => barLine(file, progress, options))
  }
}

const tickMs = 100
const nameColumns = 10
const timeColumns = 7
const maxBars = 4
const barColumns = 20
const maxFileColumns = 40

const sum = (values: readonly number[]): number => values.reduce((one, two) => one + two, 0)

/** How large files are that have not begun is not known yet. */
const leftText = (seconds: number, isOpen: boolean): string =>
  `${isOpen ? 'over ' : ''}${duration(1000 * Math.max(0, seconds))} left`

function barLine(file: string, { received, total }: FileProgress, { columns, symbols }: LineOptions): Line {
  const fileColumns = Math.max(8, Math.min(maxFileColumns, columns - barColumns - 14))
  const share = total === undefined || total === 0 ? 0 : received / total
  return [
    { text: `     ${padded(file, fileColumns, symbols)} ` },
    { text: barOf(share, barColumns, symbols) },
    { text: ` ${Math.floor(100 * share)} %`.padStart(6) },
  ]
}
