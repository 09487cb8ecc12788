// Binds the address that was asked for, and no other.

import { lstat, unlink } from 'node:fs/promises'
import type { Server } from 'node:http'
import { type AddressInfo, connect, isIP } from 'node:net'
import { QvlError } from '../../errors.js'

export type ListenAt = { host: string; port: number } | { socketPath: string }

export interface Bound {
  /** For people and clients: http://127.0.0.1:8000, or unix:/run/qvl.sock. */
  address: string
  /** 0 for a Unix socket. */
  port: number
  /** Only this machine can reach it over the network, which is also what a page in its browser can do. */
  loopback: boolean
}

/** Throws USAGE for an address that is none, LISTEN_FAILED for one that cannot be had. */
export async function listen(server: Server, at: ListenAt, scheme: 'http' | 'https'): Promise<Bound> {
  if ('socketPath' in at) {
    if (Buffer.byteLength(at.socketPath) > maxSocketPathBytes) throw tooLong(at.socketPath)
    await removeDeadSocket(at.socketPath)
    await bind(server, at, at.socketPath)
    return { address: `unix:${at.socketPath}`, port: 0, loopback: false }
  }
  await bind(server, at, `${at.host}:${at.port}`)
  const bound = server.address()
  if (!isAddressInfo(bound)) throw new Error('a TCP server has an address and a port')
  const { port } = bound
  return { address: `${scheme}://${urlHost(at.host)}:${port}`, port, loopback: isLoopback(bound.address) }
}

/** Of the kernel's structure. Node would bind another path, cut to fit, and say nothing. */
const maxSocketPathBytes = process.platform === 'linux' ? 107 : 103

export const isLoopback = (address: string): boolean =>
  address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/.test(address)

const urlHost = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)

const isAddressInfo = (address: ReturnType<Server['address']>): address is AddressInfo =>
  typeof address === 'object' && address !== null

function bind(server: Server, at: ListenAt, name: string): Promise<void> {
  const options = 'socketPath' in at ? { path: at.socketPath } : at
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(bindError(error, name, 'socketPath' in at))
    server.once('error', failed)
    // More than `backlog` clients that connect within one turn of the event loop would be refused by the kernel.
    server.listen({ ...options, backlog: 1024 }, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

/** A socket that a killed server left behind would block its path for ever. */
async function removeDeadSocket(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined)
  if (!found?.isSocket() || (await answers(path))) return
  await unlink(path)
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

function bindError(error: NodeJS.ErrnoException, name: string, isSocket: boolean): QvlError {
  const code = error.code ?? ''
  const known = (isSocket ? socketErrors[code] : undefined) ?? bindErrors[code]
  if (known === undefined) {
    const why = `The operating system reports ${code || 'an error without a code'}.`
    return new QvlError('LISTEN_FAILED', { what: cannotListen(name), why, do: 'Try another address.', cause: error })
  }
  const { why, fix, param } = known
  return new QvlError(known.code, { what: cannotListen(name), why, do: fix, param, cause: error })
}

const cannotListen = (name: string): string => `The server cannot listen at ${name}.`

const tooLong = (path: string): QvlError =>
  new QvlError('USAGE', {
    what: cannotListen(path),
    why: `The path of a socket has ${maxSocketPathBytes} bytes at most.`,
    do: 'Choose a shorter path with --uds.',
    param: '--uds',
  })

const badHost = {
  code: 'USAGE',
  why: 'This machine has no such address.',
  fix: 'Use --host 127.0.0.1, --host 0.0.0.0 for all of its addresses, or the name of one of them.',
  param: '--host',
} as const

interface BindError {
  code: 'USAGE' | 'LISTEN_FAILED'
  why: string
  fix: string
  param: string
}

const bindErrors: Readonly<Record<string, BindError | undefined>> = {
  EADDRINUSE: {
    code: 'LISTEN_FAILED',
    why: 'Another process uses this address.',
    fix: 'Stop it, or choose another port with --port; --port 0 takes any free one.',
    param: '--port',
  },
  EACCES: {
    code: 'LISTEN_FAILED',
    why: 'This user may not use it; ports below 1024 need a privilege.',
    fix: 'Choose a port from 1024 on with --port.',
    param: '--port',
  },
  EADDRNOTAVAIL: badHost,
  ENOTFOUND: badHost,
  EAI_AGAIN: badHost,
  EINVAL: badHost,
}

const noSocketFolder = {
  code: 'USAGE',
  why: 'The folder of this socket does not exist, or this user may not write to it.',
  fix: 'Create the folder, or choose another path with --uds.',
  param: '--uds',
} as const

const socketErrors: Readonly<Record<string, BindError | undefined>> = {
  EADDRINUSE: {
    code: 'LISTEN_FAILED',
    why: 'Another process listens there, or the path is that of a file.',
    fix: 'Stop it, or choose another path with --uds.',
    param: '--uds',
  },
  // Node reports EACCES for a missing folder too.
  EACCES: noSocketFolder,
  ENOENT: noSocketFolder,
  ENOTDIR: noSocketFolder,
}
