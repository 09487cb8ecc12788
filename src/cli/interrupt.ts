// Ctrl-C and SIGTERM: the first ends the work in order, the second leaves at once.

import { exitCode } from '../errors.js'

export interface Interrupt {
  readonly signal: AbortSignal
  /** The exit code of the signal that came, if one came. */
  readonly code: number | undefined
  /** What the first signal says; it depends on what is running. */
  explain: string
  close(): void
}

const codes = { SIGINT: exitCode.interrupted, SIGTERM: exitCode.terminated } as const

export function listenForInterrupt(options: { say: (message: string) => void }): Interrupt {
  const controller = new AbortController()
  let code: number | undefined
  const onSignal = (name: keyof typeof codes): void => {
    if (code !== undefined) process.exit(codes[name])
    code = codes[name]
    options.say(interrupt.explain)
    controller.abort(new DOMException(`Received ${name}.`, 'AbortError'))
  }
  const listeners = (['SIGINT', 'SIGTERM'] as const).map((name) => ({ name, listener: () => onSignal(name) }))
  for (const { name, listener } of listeners) process.on(name, listener)
  const interrupt: Interrupt = {
    signal: controller.signal,
    get code() {
      return code
    },
    explain: 'Stopping.',
    close() {
      for (const { name, listener } of listeners) process.off(name, listener)
    },
  }
  return interrupt
}
