// A signal that is aborted with any of several, and leaves nothing behind in those that live on.

import { setMaxListeners } from 'node:events'

/**
 * Aborted with the first of `signals`, and with its reason, until it is disposed of. AbortSignal.any leaves some bytes behind
 * in each of them for every signal that it made: in one that lives as long as a server, calls would pile up.
 */
export class EitherSignal implements Disposable {
  readonly #controller = new AbortController()
  readonly #signals: readonly AbortSignal[]
  readonly #abort = ({ target }: Event): void => {
    if (target instanceof AbortSignal) this.#controller.abort(target.reason)
  }

  constructor(signals: readonly (AbortSignal | undefined)[]) {
    this.#signals = signals.filter((signal) => signal !== undefined)
    // As many calls may listen as there are: Node takes more than ten for a leak.
    setMaxListeners(0, ...this.#signals)
    const over = this.#signals.find(({ aborted }) => aborted)
    if (over !== undefined) this.#controller.abort(over.reason)
    else for (const signal of this.#signals) signal.addEventListener('abort', this.#abort, { once: true })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    for (const signal of this.#signals) signal.removeEventListener('abort', this.#abort)
  }
}
