// The open connections: how many there may be, and which one goes when there are too many.

import type { Server } from 'node:http'
import type { Socket } from 'node:net'

export interface Connections {
  readonly size: number
  /** Since the start. */
  readonly numAccepted: number
  /** A request of this connection begins; call the returned function when it is answered. */
  begin(socket: Socket): () => void
  /** Cuts all of them. */
  destroyAll(): void
}

/**
 * A new connection above the limit takes the place of the one that has been idle longest, so that a crowd of idle ones
 * does not keep clients with work out. Where all are at work, the new one is refused.
 */
export function watchConnections(server: Server, event: 'connection' | 'secureConnection', max: number): Connections {
  /** How many requests each one is waiting for; more than one with pipelining. */
  const requests = new Map<Socket, number>()
  /** In the order in which they became idle. */
  const idle = new Set<Socket>()
  const forget = (socket: Socket): void => {
    requests.delete(socket)
    idle.delete(socket)
  }
  const change = (socket: Socket, by: number): void => {
    const before = requests.get(socket)
    if (before === undefined) return
    requests.set(socket, before + by)
    if (before + by === 0) idle.add(socket)
    else idle.delete(socket)
  }
  let numAccepted = 0
  server.on(event, (socket: Socket) => {
    numAccepted += 1
    if (requests.size >= max) {
      const [oldest] = idle
      if (oldest === undefined) return void socket.destroy()
      forget(oldest)
      oldest.destroy()
    }
    requests.set(socket, 0)
    idle.add(socket)
    socket.once('close', () => forget(socket))
  })
  return {
    get size() {
      return requests.size
    },
    get numAccepted() {
      return numAccepted
    },
    begin(socket) {
      change(socket, 1)
      return () => change(socket, -1)
    },
    destroyAll() {
      for (const socket of requests.keys()) socket.destroy()
    },
  }
}
