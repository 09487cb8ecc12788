// A web server on the loopback interface that media are fetched from: files of a folder, and answers that tests make up.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

export interface FileServer extends AsyncDisposable {
  url: string
  /** Paths that were asked for, in order. */
  readonly asked: string[]
  /** Requests that are not answered yet. */
  readonly numOpen: number
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** `handlers` answer their paths; every other path is a file of `folder`. */
export async function startFileServer(
  folder: string,
  handlers: Readonly<Record<string, Handler>> = {},
): Promise<FileServer> {
  const asked: string[] = []
  let numOpen = 0
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    asked.push(path)
    numOpen++
    response.once('close', () => numOpen--)
    const handler = handlers[path]
    if (handler !== undefined) handler(request, response)
    else {
      readFile(join(folder, path)).then(
        (bytes) => response.end(bytes),
        () => response.writeHead(404).end(),
      )
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    get numOpen() {
      return numOpen
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
