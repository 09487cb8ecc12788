// Ctrl-C and SIGTERM: the first ends the work in order, the second leaves at once.

import { exitCode } from '../errors.js'

export interface Interrupt {
  readonly signal: AbortSignal
  /** The exit code of the signal that came, if one came. */
  readonly code: number | undefined
  /** What the first signal says; it depends on what is running. Empty: what is running says it itself. */
  explain: string
  /** The work was brought to its end in order, so its own exit code counts. */
  obeyed: boolean
  /** Puts the terminal in order; called before it leaves at once. */
  restore: () => void
  /** Die of the signal that came. */
  leave(): never
  close(): void
}

const codes = { SIGINT: exitCode.interrupted, SIGTERM: exitCode.terminated } as const

type SignalName = keyof typeof codes

export function listenForInterrupt(options: { say: (message: string) => void }): Interrupt {
  const controller = new AbortController()
  let received: SignalName | undefined
  const onSignal = (name: SignalName): void => {
    if (received !== undefined) interrupt.leave()
    received = name
    if (interrupt.explain !== '') options.say(interrupt.explain)
    controller.abort(new DOMException(`Received ${name}.`, 'AbortError'))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const interrupt: Interrupt = {
    signal: controller.signal,
    get code() {
      return received && codes[received]
    },
    explain: 'stopping',
    obeyed: false,
    restore() {},
    leave() {
      const name = received ?? 'SIGTERM'
      interrupt.close()
      interrupt.restore()
      // process.exit() would wait for a device that is computing. Only the first process of a container, which signals
      // without a handler do not end, gets to the next line.
      process.kill(process.pid, name)
      process.exit(codes[name])
    },
    close() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
  return interrupt
}
