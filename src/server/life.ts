// The server's way from loading to draining, as readiness tells it.

import { QvlError } from '../errors.js'
import type { Readiness } from './route.js'

export interface Life extends Readiness {
  /** Set at the end of the drain delay: from then on nothing new is taken. */
  refuses: boolean
  /** Throws NOT_READY when a request cannot be taken now. */
  checkServing(): void
  /** Once it drains, nothing changes that any more. */
  become(state: Readiness['state'], why: string): void
}

export function openLife(): Life {
  let now: Readiness = { state: 'loading', why: 'The model is being loaded.' }
  return {
    refuses: false,
    checkServing() {
      if (now.state === 'ready' || (now.state === 'draining' && !this.refuses)) return
      throw new QvlError('NOT_READY', {
        what: 'The server does not take requests now.',
        why: now.why,
        do: 'Try again after the time in Retry-After; /health/ready tells when it is ready.',
      })
    },
    get state() {
      return now.state
    },
    get why() {
      return now.why
    },
    become(state, why) {
      if (now.state !== 'draining') now = { state, why }
    },
  }
}
