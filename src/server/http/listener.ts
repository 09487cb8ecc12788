// The HTTP server itself: Node's, with every time and size of the limits table set.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { QvlError } from '../../errors.js'
import type { Limits } from '../limits.js'
import { type Connections, watchConnections } from './connections.js'

/** PEM texts. */
export interface Tls {
  key: Buffer
  cert: Buffer
  /** Authorities whose client certificates are accepted. */
  ca?: Buffer | undefined
  /** Refuse clients without a certificate of such an authority. */
  requireClientCertificate: boolean
}

export interface Handlers {
  onRequest(request: IncomingMessage, response: ServerResponse): void
  /** Node's parser, or its clock, gave up on a connection. */
  onUnreadable(error: NodeJS.ErrnoException, socket: Duplex): void
}

export interface Listener {
  server: Server
  connections: Connections
  scheme: 'http' | 'https'
}

/** Throws USAGE for a key or certificate that cannot be used. */
export function createListener(limits: Limits, tls: Tls | undefined, { onRequest, onUnreadable }: Handlers): Listener {
  const options = {
    keepAlive: true,
    noDelay: true,
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headerSeconds * 1000,
    // The body has its own clock (read-body.ts), whose answer can say more.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveSeconds * 1000,
    // Node looks at its timeouts this often: a tenth of the shortest makes them honest.
    connectionsCheckingInterval: Math.min(1000, Math.max(20, limits.headerSeconds * 100)),
    // The Host header is checked with the other rules, so that its error looks like the others.
    requireHostHeader: false,
  }
  const server = tls === undefined ? createServer(options) : secureServer(options, tls, limits)
  server.maxHeadersCount = limits.maxHeaders
  // Both events come with a request; with the second, the client waits for leave to send the body.
  server.on('request', onRequest).on('checkContinue', onRequest).on('clientError', onUnreadable)
  const event = tls === undefined ? 'connection' : 'secureConnection'
  return {
    server,
    connections: watchConnections(server, event, limits.maxConnections),
    scheme: tls === undefined ? 'http' : 'https',
  }
}

function secureServer(options: object, tls: Tls, limits: Limits): Server {
  const { key, cert, ca, requireClientCertificate } = tls
  try {
    const server = createTlsServer({
      ...options,
      key,
      cert,
      ...(ca !== undefined && { ca }),
      requestCert: ca !== undefined,
      rejectUnauthorized: requireClientCertificate,
      handshakeTimeout: limits.headerSeconds * 1000,
    })
    // Connections are counted after the handshake; these are the ones that never get there.
    server.maxConnections = 2 * limits.maxConnections
    return server
  } catch (error) {
    throw new QvlError('USAGE', {
      what: 'The TLS key and certificate cannot be used.',
      why: 'They are no PEM files, need a password, or do not belong together.',
      do: 'Check --ssl-keyfile and --ssl-certfile.',
      param: '--ssl-certfile',
      cause: error,
    })
  }
}
