// Lines with their images and videos: those of the next lines are loaded while the ones before are used.

import { setMaxListeners } from 'node:events'
import type { LoadedVisuals } from '../engine/requests.js'
import { mediaParts } from '../prompts/visuals.js'
import type { Item, LineContext } from './item.js'
import { type ParsedLine, parseLine, prepareWork } from './line-work.js'
import type { InputPosition, Line, LineReader } from './lines.js'

/** Images and videos loaded ahead: enough to keep a disk or a network busy, few enough for memory. */
const maxMediaAhead = 16
/** Lines read ahead: those between two with images come along. */
const maxLinesAhead = 64

export interface PreparedLine {
  item: Item
  /** The images and videos that the tasks name. */
  loaded: LoadedVisuals | undefined
}

interface Pending {
  numMedia: number
  prepared: Promise<PreparedLine>
  /** The input after the line, once more has been read. */
  end?: InputPosition
}

export class PreparedLines {
  readonly #reader: LineReader
  readonly #context: LineContext
  readonly #signal: AbortSignal
  readonly #pending: Pending[] = []
  #numRead: number
  #hasEnded = false
  #taken: Pending | undefined

  /** `firstIndex` is the place of the reader's next line in the output. */
  constructor(reader: LineReader, firstIndex: number, options: { context: LineContext; signal: AbortSignal }) {
    this.#reader = reader
    this.#numRead = firstIndex
    this.#context = options.context
    this.#signal = options.signal
    // Everything that is on its way listens to it, and that is more than a handful.
    setMaxListeners(0, options.signal)
  }

  /** The next line when all of it is there; undefined at the end. Throws what stopped the input, or the signal's reason. */
  async next(): Promise<PreparedLine | undefined> {
    while (this.#wantsMore()) await this.#read()
    const pending = this.#pending.shift()
    if (pending === undefined) return undefined
    this.#taken = pending
    return pending.prepared
  }

  /** The input after the line that was taken last. */
  get position(): InputPosition {
    return this.#taken?.end ?? this.#reader.position
  }

  /** Lines of text alone need nothing ahead. */
  #wantsMore(): boolean {
    const { length } = this.#pending
    if (this.#hasEnded || length === 0) return !this.#hasEnded
    const numMedia = this.#pending.reduce((sum, pending) => sum + pending.numMedia, 0)
    return numMedia > 0 && numMedia < maxMediaAhead && length < maxLinesAhead
  }

  async #read(): Promise<void> {
    const before = this.#pending.at(-1)
    if (before !== undefined) before.end = this.#reader.position
    const line = await this.#reader.next()
    this.#hasEnded = line === undefined
    if (line === undefined) return
    const index = this.#numRead++
    const parsed = parseLine(line, index, this.#context)
    const prepared = this.#prepare(line, index, parsed)
    // It is awaited when its turn comes; until then its failure must not count as unheard.
    prepared.catch(() => {})
    this.#pending.push({ prepared, numMedia: countMedia(parsed) })
  }

  async #prepare(line: Line, index: number, parsed: ParsedLine): Promise<PreparedLine> {
    const { work, loaded } = await prepareWork(parsed, this.#context, this.#signal)
    return { item: { line: line.number, index, work, failure: parsed.failure }, loaded }
  }
}

const countMedia = ({ contents }: ParsedLine): number =>
  contents.reduce((sum, { content }) => sum + mediaParts(content).length, 0)
