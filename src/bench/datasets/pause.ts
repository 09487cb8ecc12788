// Lets other work in while thousands of prompts are made.

import { setImmediate } from 'node:timers/promises'

const maxBusyMs = 20

/** A function to call between items: it waits for the event loop now and then. It throws the signal's reason. */
export function pauses(signal: AbortSignal | undefined): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < maxBusyMs) return
    await setImmediate()
    signal?.throwIfAborted()
    last = performance.now()
  }
}
