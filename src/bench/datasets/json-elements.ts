// The elements of a JSON list, one at a time: ShareGPT has 670 MB, more than one string can hold.

import { createReadStream } from 'node:fs'
import { quoteName } from '../../checkpoint/quote-name.js'
import { QvlError } from '../../errors.js'
import { unreadable } from './rows.js'

const byte = (character: string): number => character.charCodeAt(0)
const quote = byte('"')
const backslash = byte('\\')
const comma = byte(',')
const opening = new Set([byte('['), byte('{')])
const closing = new Set([byte(']'), byte('}')])

/** Each element of the list in the file, parsed. Throws INPUT_UNREADABLE, and REQUEST_INVALID for another form. */
export async function* jsonElements(path: string, signal: AbortSignal | undefined): AsyncGenerator<unknown> {
  const splitter = new ElementSplitter()
  const input = createReadStream(path, { highWaterMark: 1024 * 1024, ...(signal && { signal }) })
  try {
    for await (const chunk of input) {
      for (const element of splitter.push(chunk)) yield parseElement(element, path)
    }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof QvlError) throw error
    throw unreadable(path, error)
  }
  if (!splitter.ended) throw notAList(path)
}

/** Finds where elements end by counting brackets outside strings; JSON.parse checks all else. */
class ElementSplitter {
  /** Bytes of the element that the last chunk ended in. */
  #kept: Buffer[] = []
  #depth = 0
  #inString = false
  #escaped = false

  /** Whether the list was closed. */
  ended = false

  /** The elements that end in the chunk. */
  push(chunk: Buffer): Buffer[] {
    const elements: Buffer[] = []
    let start = 0
    for (let i = 0; i < chunk.length; i++) {
      const at = this.#take(chunk[i]!)
      if (at === 'inside') continue
      // The list's own bracket and everything before it belong to no element.
      if (at === 'end') elements.push(this.#finish(chunk.subarray(start, i)))
      start = i + 1
    }
    if (this.#depth > 0) this.#kept.push(chunk.subarray(start))
    return elements
  }

  /** What a byte is: inside an element, the start of the list, or the end of an element. */
  #take(code: number): 'inside' | 'start' | 'end' {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (code === backslash) this.#escaped = true
      else if (code === quote) this.#inString = false
      return 'inside'
    }
    if (code === quote) this.#inString = true
    else if (opening.has(code)) {
      this.#depth += 1
      if (this.#depth === 1) return 'start'
    } else if (closing.has(code)) {
      this.#depth -= 1
      if (this.#depth === 0) this.ended = true
      return this.#depth === 0 ? 'end' : 'inside'
    } else if (code === comma && this.#depth === 1) return 'end'
    return 'inside'
  }

  #finish(rest: Buffer): Buffer {
    const element = Buffer.concat([...this.#kept, rest])
    this.#kept = []
    return element
  }
}

/** Undefined where nothing but white space is between two marks, as in an empty list. */
function parseElement(bytes: Buffer, path: string): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim()
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    throw notAList(path)
  }
}

function notAList(path: string): QvlError {
  return new QvlError('REQUEST_INVALID', {
    what: `The dataset ${quoteName(path)} cannot be used.`,
    why: 'It is not a JSON list in UTF-8.',
    do: 'Give a file in the form of ShareGPT: [{"conversations": [{"value": "…"}, …]}, …].',
    param: '--dataset-path',
  })
}
