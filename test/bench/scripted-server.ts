// A real HTTP server that behaves well or badly, as each test writes it down.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

export interface Received {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: string
}

export type Behaviour = (response: ServerResponse, request: Received, index: number) => void

export interface ScriptedServer extends AsyncDisposable {
  port: number
  baseUrl: string
  received: Received[]
}

/** Listens on a free port, or at a Unix socket. Answers POST requests by `behave`, which is told how many came before; anything else by `others`, or with 404. */
export async function scriptedServer(
  behave: Behaviour,
  others?: Behaviour,
  socketPath?: string,
): Promise<ScriptedServer> {
  const received: Received[] = []
  let numPosts = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      const one = { method, path, headers, body: Buffer.concat(chunks).toString() }
      received.push(one)
      if (method === 'POST' && path !== '/tokenize' && path !== '/detokenize') behave(response, one, numPosts++)
      else if (others !== undefined) others(response, one, received.length)
      else response.writeHead(404).end('{"detail":"Not Found"}')
    })
  })
  if (socketPath === undefined) server.listen(0, '127.0.0.1')
  else server.listen(socketPath)
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    port,
    baseUrl: socketPath === undefined ? `http://127.0.0.1:${port}` : `unix:${socketPath}`,
    received,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export const answer =
  (promptTokens = 7): Behaviour =>
  (response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ object: 'list', data: [], usage: { prompt_tokens: promptTokens } }))
  }

/** Bad habits of servers, each with the kind it is counted as. */
export const habits = {
  'HTTP 500 Internal Server Error': (response) =>
    response.writeHead(500).end('{"error":{"message":"the engine is gone","type":"InternalServerError"}}'),
  'HTTP 429 Too Many Requests': (response) =>
    response.writeHead(429, { 'retry-after': '2' }).end('{"error":{"message":"busy"}}'),
  'invalid JSON': (response) => response.end('<html>not what was asked for'),
  'answer cut off': (response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"usage":')
    setImmediate(() => response.destroy())
  },
  'connection closed early': (response) => response.socket?.end(),
  'connection reset': (response) => void response.socket?.resetAndDestroy(),
  'answer is not HTTP': (response) => response.socket?.end('220 mail.example ESMTP\r\n'),
  timeout: () => {},
} as const satisfies Record<string, Behaviour>
