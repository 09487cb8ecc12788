// A client made of one socket, for requests that no HTTP library would send.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  status: number
  /** Lower-case names. */
  headers: Record<string, string>
  body: string
}

export interface RawClient {
  readonly socket: Socket
  send(text: string | Uint8Array): void
  /** Resolves with everything that came, once the server has closed the connection. */
  ended(): Promise<string>
  /** The next answer that has a Content-Length. */
  answer(): Promise<RawAnswer>
  close(): void
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.setEncoding('latin1')
  socket.on('data', (text: string) => {
    received += text
  })
  // A reset is an end like another; what came before it counts.
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  await once(socket, 'connect')
  return {
    socket,
    send: (text) => void socket.write(text),
    async ended() {
      await closed
      return received
    },
    async answer() {
      for (;;) {
        const head = received.indexOf('\r\n\r\n')
        const answer = head === -1 ? undefined : parseAnswer(received)
        const length = Number(answer?.headers['content-length'] ?? 0)
        if (answer !== undefined && received.length >= head + 4 + length) {
          received = received.slice(head + 4 + length)
          return { ...answer, body: answer.body.slice(0, length) }
        }
        if (socket.closed) throw new Error(`the connection ended after: ${received}`)
        await Promise.race([once(socket, 'data'), closed])
      }
    },
    close: () => void socket.destroy(),
  }
}

export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf('\r\n\r\n')
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => line.split(/: (.*)/, 2)).map(([name, value]) => [name!.toLowerCase(), value!]),
  )
  return { status: Number(first.split(' ')[1]), headers, body: text.slice(end + 4) }
}

/** Sends one request and reads until the server closes. */
export async function rawExchange(port: number, text: string): Promise<RawAnswer> {
  const client = await rawClient(port)
  client.send(text)
  return parseAnswer(await client.ended())
}
