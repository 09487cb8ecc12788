// The rest of a body that nobody wants: closing over it would reset the connection before the client reads its answer.

import type { IncomingMessage } from 'node:http'

/** Clients stop sending when they see the answer; one that does not is cut off. */
const patienceMs = 1000

export function hasUnreadBody({ complete, headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return !complete && (headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0'))
}

/** Resolves at the end of the body, or after a second. */
export function discardRest(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(done, patienceMs)
    request.once('end', done).once('close', done).once('error', done)
    request.resume()
  })
}
