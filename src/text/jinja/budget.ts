// What one rendering may cost. Templates come with checkpoints, so they are not trusted (CVE-2026-5760).

import { fault } from './fault.js'

/** Evaluated nodes and list entries. A conversation of a thousand messages takes about a third. */
const maxSteps = 100_000
/** Output beyond four times the input; chat templates add a few hundred characters per message. */
const freeOutputChars = 64 * 1024
const maxOutputPerInput = 4
/** Characters read and written by all string operations together, in multiples of the longest output. */
const maxWorkPerOutput = 64
/** Nested evaluations: expressions, blocks and macro calls. Each takes about 500 bytes of stack. */
const maxDepth = 400

export class Budget {
  private readonly maxChars: number
  private steps = 0
  private work = 0
  private depth = 0

  constructor(inputChars: number) {
    this.maxChars = maxOutputPerInput * inputChars + freeOutputChars
  }

  step(count = 1): void {
    this.steps += count
    // Written so that NaN and infinity fail as well.
    if (!(this.steps <= maxSteps)) fault(`It takes more than ${maxSteps} steps.`)
  }

  /** Refuses a text of this length, before it is made. */
  limit(length: number): void {
    if (!(length <= this.maxChars)) fault(`It makes a text of more than ${this.maxChars} characters.`)
  }

  /** Accounts for reading or making a text of this length. */
  chars(length: number): void {
    this.limit(length)
    this.work += length
    if (this.work > this.maxChars * maxWorkPerOutput) fault('It copies more text than the limit allows.')
  }

  text(text: string): string {
    this.chars(text.length)
    return text
  }

  list<T>(list: T[]): T[] {
    this.step(list.length)
    return list
  }

  /** Runs `inner` one level deeper. */
  nested<T>(inner: () => T): T {
    this.step()
    if (++this.depth > maxDepth) fault(`It nests more than ${maxDepth} levels deep.`)
    try {
      return inner()
    } finally {
      this.depth--
    }
  }
}
