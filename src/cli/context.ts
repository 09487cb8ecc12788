// What a command gets: its flags, the streams, and how to speak to the person.

import type { CommandName } from './flag.js'
import type { Interrupt } from './interrupt.js'
import type { Messages } from './messages.js'
import type { Progress } from './progress.js'
import type { Settings } from './settings.js'
import type { Terminal } from './terminal.js'

export interface Context {
  command: CommandName
  settings: Settings
  operands: readonly string[]
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  terminal: Terminal
  messages: Messages
  progress: Progress
  interrupt: Interrupt
  /** Ctrl-C, SIGTERM, or nobody left to read the output. */
  signal: AbortSignal
  /** What has to be closed when the command is over, however it ended. */
  closeAtEnd(close: () => Promise<void>): void
}
