// A few live lines at the end of a terminal, drawn by ink, and whole lines of text above them.

import { Writable } from 'node:stream'
import { Box, type Instance, render, Text, useStdout } from 'ink'
import { createElement, type ReactElement } from 'react'
import { lineColumns, rowsTaken } from './reflow.js'

export interface Size {
  columns: number
  rows: number
}

export interface Screen {
  /** Whole lines above the live ones. */
  write(text: string): void
  /** Makes the live lines anew. */
  draw(): void
  /** Takes the live lines away and gives the terminal back as it was. Closing twice is fine. */
  close(): void
}

const hideCursor = '\u001b[?25l'
const showCursor = '\u001b[?25h'
const eraseRowAndGoUp = '\u001b[2K\u001b[1A'

/** Under load there are thousands of lines a second, and the live ones need not be drawn again for each. */
const gatherMs = 50

/** `frame` gives lines that are not wider than the terminal, and fewer than its rows. */
export const openScreen = (stream: NodeJS.WriteStream, frame: Frames): Screen => new InkScreen(stream, frame)

type Frames = (size: Size) => readonly string[]

class InkScreen implements Screen {
  readonly #stream: NodeJS.WriteStream
  readonly #frame: Frames
  readonly #sink: InkStream
  readonly #instance: Instance
  #shown: readonly string[]
  #writeAbove: (text: string) => void = () => {}
  #gathered = ''
  #timer: NodeJS.Timeout | undefined
  #isClosed = false
  readonly #onResize = (): void => this.#resize()
  readonly #onEnd = (): void => this.close()

  constructor(stream: NodeJS.WriteStream, frame: Frames) {
    this.#stream = stream
    this.#frame = frame
    this.#sink = new InkStream(stream)
    stream.write(hideCursor)
    this.#shown = frame({ columns: stream.columns, rows: stream.rows })
    const options = { stdout: asTerminal(this.#sink), exitOnCtrlC: false, patchConsole: false }
    this.#instance = render(this.#element(), options)
    stream.on('resize', this.#onResize)
    // Before what is said of a crash.
    process.prependListener('uncaughtException', this.#onEnd).prependListener('unhandledRejection', this.#onEnd)
    process.on('exit', this.#onEnd)
  }

  write(text: string): void {
    if (this.#isClosed) {
      this.#stream.write(text)
      return
    }
    this.#gathered += text
    this.#timer ??= setTimeout(() => this.#flush(), gatherMs)
  }

  draw(): void {
    if (this.#isClosed) return
    // What was written before belongs above what is drawn now.
    this.#flush()
    const { columns, rows } = this.#stream
    this.#shown = this.#frame({ columns, rows })
    this.#instance.rerender(this.#element())
  }

  close(): void {
    if (this.#isClosed) return
    this.#flush()
    this.#isClosed = true
    this.#stream.off('resize', this.#onResize)
    process.off('uncaughtException', this.#onEnd).off('unhandledRejection', this.#onEnd).off('exit', this.#onEnd)
    this.#instance.clear()
    this.#sink.isOpen = false
    this.#instance.unmount()
    this.#stream.write(showCursor)
  }

  #element(): ReactElement {
    const take = (write: (text: string) => void): void => {
      this.#writeAbove = write
    }
    return createElement(Frame, { lines: this.#shown, take })
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const text = this.#gathered
    this.#gathered = ''
    // One write, so that no terminal shows the moment without the live lines.
    if (text !== '') this.#sink.together(() => this.#writeAbove(text))
  }

  #resize(): void {
    const { columns } = this.#stream
    // Terminals lay lines out anew that have become too wide, and ink takes away as many rows as it drew.
    const numExtra = rowsTaken(this.#shown.map(lineColumns), columns) - this.#shown.length
    if (numExtra > 0) this.#stream.write(eraseRowAndGoUp.repeat(numExtra))
    this.#sink.columns = columns
    this.#sink.emit('resize')
    this.draw()
  }
}

interface FrameProps {
  lines: readonly string[]
  /** Given what writes above the live lines. ink's Static would do too, but keeps every line for ever. */
  take: (write: (text: string) => void) => void
}

function Frame({ lines, take }: FrameProps): ReactElement {
  take(useStdout().write)
  const rows = lines.map((line, index) => createElement(Text, { key: index, wrap: 'truncate-end' }, line || ' '))
  return createElement(Box, { flexDirection: 'column' }, ...rows)
}

/**
 * What ink draws on. It is no terminal to ink, which would otherwise clear the whole terminal with its history where the
 * lines do not fit, and leave signal handlers behind that hide how this process died.
 */
class InkStream extends Writable {
  readonly isTTY = false
  readonly rows = Number.POSITIVE_INFINITY
  columns: number
  isOpen = true
  readonly #terminal: NodeJS.WriteStream
  #held: string | undefined

  constructor(terminal: NodeJS.WriteStream) {
    super({ decodeStrings: false })
    this.#terminal = terminal
    this.columns = terminal.columns
  }

  override _write(chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
    if (this.isOpen) {
      if (this.#held === undefined) this.#terminal.write(String(chunk))
      else this.#held += String(chunk)
    }
    done()
  }

  together(draw: () => void): void {
    this.#held = ''
    draw()
    const text = this.#held
    this.#held = undefined
    if (this.isOpen) this.#terminal.write(text)
  }
}

/** ink uses `write`, `columns`, `rows`, `isTTY` and the event `resize`. */
const asTerminal = (sink: InkStream): NodeJS.WriteStream => sink as unknown as NodeJS.WriteStream
