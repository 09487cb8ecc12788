// A raw HTTP server with vLLM's routes whose answers a test chooses, and a fleet over some of them.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Fleet } from '#qvl/engine/upstream/fleet.js'
import type { UpstreamOptions } from '#qvl/engine/upstream/options.js'
import { type Piece, piecesOf } from '#qvl/engine/upstream/pieces.js'

export type Handler = (response: ServerResponse, body: Record<string, unknown>) => void

export interface RawReplica extends AsyncDisposable {
  readonly url: string
  /** Bodies of the calls, and the client ports that they came from. */
  readonly calls: Record<string, unknown>[]
  readonly ports: Set<number | undefined>
  /** Calls that have no answer yet. */
  readonly underWay: number
  /** How /health is answered; it is not answered at all while this is undefined. */
  health: number | undefined
}

const vectorOf = (ids: readonly number[]): string =>
  Buffer.from(Float32Array.from([ids.length, ids[0]!]).buffer).toString('base64')

/** As vLLM answers: one item for each list of token ids. */
export const answer: Handler = (response, { input }) => {
  const data = (input as number[][]).map((ids, index) => ({ index, object: 'embedding', embedding: vectorOf(ids) }))
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ object: 'list', data: data.reverse() }))
}

/** `server`: its Server header, by which a qvl is known. */
export async function rawReplica(handle: Handler, { server: named = 'uvicorn' } = {}): Promise<RawReplica> {
  const calls: Record<string, unknown>[] = []
  const ports = new Set<number | undefined>()
  let underWay = 0
  const server = createServer(async (request: IncomingMessage, response) => {
    response.setHeader('server', named)
    // vLLM has no /health/ready.
    if (request.url === '/health/ready') return void response.writeHead(404).end('{"detail":"Not Found"}')
    if (request.url === '/health') {
      return replica.health === undefined ? undefined : void response.writeHead(replica.health).end()
    }
    if (request.url === '/version') return void response.end('{"version":"0.11.0"}')
    if (request.url === '/v1/models') {
      return void response.end(JSON.stringify({ object: 'list', data: [{ id: 'm', root: 'm', max_model_len: 64 }] }))
    }
    underWay++
    response.on('close', () => underWay--)
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8'))
    calls.push({ path: request.url, ...body })
    ports.add(request.socket.remotePort)
    handle(response, body)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const replica: RawReplica = {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    ports,
    get underWay() {
      return underWay
    },
    health: 200,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return replica
}

type FleetOptions = Pick<UpstreamOptions, 'times' | 'forFiles'> & { maxModelLen?: number }

export async function openFleet(replicas: readonly RawReplica[], options: FleetOptions = {}): Promise<Fleet> {
  const { maxModelLen = 64, ...others } = options
  const urls = replicas.map(({ url }) => url)
  const fleet = new Fleet({ urls, ...others }, { name: 'm', maxModelLen }, () => {})
  await fleet.open()
  return fleet
}

/** Each sequence begins with its number and is three tokens long, unless told otherwise. */
export function pieces(numSequences: number, numTokens = 3): Piece[] {
  const sequences = Array.from({ length: numSequences }, (_, index) => ({
    ...{ ids: Int32Array.of(index, ...Array(numTokens - 1).fill(7)), prefixTokens: 0, pool: 'last' as const },
  }))
  return piecesOf({ kind: 'embed', sequences }, { model: 'm' })
}
