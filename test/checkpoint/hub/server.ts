// A hub on loopback: the parts of the Hugging Face and ModelScope APIs that qvl uses, with faults on request.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { HubLimits } from '#qvl/checkpoint/hub/limits.js'
import { goldenPath } from '../../support/golden.js'

/** What goes wrong with one answer; the next one is in order again, or has the fault that follows. */
export type Fault =
  /** Once the client has these bytes on disk: what it has not read of a connection that ends is lost. */
  | { kind: 'cut'; after: number }
  | { kind: 'stall'; after: number }
  /** Fewer bytes than announced beforehand, but a proper end. */
  | { kind: 'short'; by: number }
  | { kind: 'ignoreRange' }
  | { kind: 'wrongRange' }
  | { kind: 'wrongBytes' }
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  | { kind: 'redirect'; to: string }

export interface SeenRequest {
  method: string
  /** The address without host. */
  url: string
  range: string | undefined
  authorization: string | undefined
  cookie: string | undefined
}

export interface RepositoryFiles {
  commit: string
  files: Map<string, Buffer>
  /** Names listed besides those of the files. */
  extraNames?: string[]
}

export interface HubServer {
  url: string
  repositories: Map<string, RepositoryFiles>
  requests: SeenRequest[]
  /** By file name, or `info` for the description and `head:<file>` for HEAD; each is used once, in order. */
  faults: Map<string, Fault[]>
  /** Faults that never end. */
  constantFaults: Map<string, Fault>
  /** Large files redirect here, as to a content network; the same server when undefined. */
  contentUrl: string | undefined
  /** Called when a file's body has started. */
  onBody: ((file: string) => void) | undefined
  /** Connections to be cut. */
  cuts: Cut[]
  close(): Promise<void>
}

interface Cut {
  file: string
  at: number
  response: ServerResponse
}

/** Limits that make a test quick. */
export const quickLimits: Partial<HubLimits> = { backoffMs: 1, lockPollMs: 10, connectTimeoutMs: 2_000 }

export const commit1 = '1'.repeat(40)
export const commit2 = '2'.repeat(40)

/** The files of a golden checkpoint, as a repository. */
export function goldenRepository(name: string, commit = commit1): RepositoryFiles {
  const folder = goldenPath(`checkpoints/${name}`)
  const files = new Map<string, Buffer>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    files.set(path.slice(folder.length + 1), readFileSync(path))
  }
  return { commit, files }
}

/** A running hub, closed when the test ends. */
export async function startHub(repositories: Record<string, RepositoryFiles> = {}): Promise<HubServer> {
  const hub: HubServer = {
    url: '',
    repositories: new Map(Object.entries(repositories)),
    requests: [],
    faults: new Map(),
    constantFaults: new Map(),
    contentUrl: undefined,
    onBody: undefined,
    cuts: [],
    close: () => closeServer(server),
  }
  const server = createServer((request, response) => answer(hub, request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  onTestFinished(() => hub.close())
  return hub
}

/** Make the cuts that wait for the client to have this many bytes of a file. */
export function makeCuts(hub: HubServer, file: string, received: number): void {
  for (const cut of hub.cuts) if (cut.file === file && cut.at === received) cut.response.destroy()
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** The name git gives this content. */
export const gitSha1 = (bytes: Buffer): string =>
  createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')

/** As on the hub, where large files are kept apart from git. */
export const isLarge = (file: string): boolean => file.endsWith('.safetensors')

export const etagOf = (file: string, bytes: Buffer): string => (isLarge(file) ? sha256(bytes) : gitSha1(bytes))

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

function answer(hub: HubServer, request: IncomingMessage, response: ServerResponse): ServerResponse {
  const { method = '', url = '', headers } = request
  const { range, authorization, cookie } = headers
  hub.requests.push({ method, url, range, authorization, cookie })
  const { pathname, searchParams } = new URL(url, 'http://hub')
  const [, org, name, rest] = /^\/(?:api\/(?:v1\/)?models\/)?([^/]+)\/([^/]+)\/(.*)$/.exec(pathname) ?? []
  const repository = hub.repositories.get(`${org}/${name}`)
  if (repository === undefined || rest === undefined) return refuse(response, 404, { 'x-error-code': 'RepoNotFound' })
  if (rest.startsWith('revision/')) return describe(hub, repository, decodeURIComponent(rest.slice(9)), response)
  if (rest === 'repo/files') return list(hub, repository, response)
  const [, commit, path] = /^resolve\/([^/]+)\/(.*)$/.exec(rest) ?? []
  if (commit !== undefined && commit !== repository.commit) return refuse(response, 404)
  const file = searchParams.get('FilePath') ?? decodeURIComponent(path ?? rest.replace(/^content\//, ''))
  const bytes = repository.files.get(file)
  if (bytes === undefined) return refuse(response, 404, { 'x-error-code': 'EntryNotFound' })
  if (method === 'HEAD') return head(hub, file, bytes, response)
  if (path !== undefined && isLarge(file)) {
    return redirect(response, `${hub.contentUrl ?? hub.url}/${org}/${name}/content/${file}?signature=secret`)
  }
  return send(hub, { file, bytes, range }, response)
}

function describe(
  hub: HubServer,
  repository: RepositoryFiles,
  revision: string,
  response: ServerResponse,
): ServerResponse {
  if (applyStatus(nextFault(hub, 'info'), response)) return response
  if (!['main', 'refs/pr/1', repository.commit].includes(revision)) {
    return refuse(response, 404, { 'x-error-code': 'RevisionNotFound' })
  }
  const names = [...repository.files.keys(), ...(repository.extraNames ?? [])]
  return json(response, { sha: repository.commit, siblings: names.map((rfilename) => ({ rfilename })) })
}

function list(hub: HubServer, repository: RepositoryFiles, response: ServerResponse): ServerResponse {
  if (applyStatus(nextFault(hub, 'info'), response)) return response
  const Files = [...repository.files].map(([Path, bytes]) => ({
    Path,
    Type: 'blob',
    Size: bytes.length,
    Sha256: sha256(bytes),
  }))
  return json(response, {
    Code: 200,
    Success: true,
    Data: { Files: [...Files, { Path: '1_Pooling', Type: 'tree', Size: 0 }] },
  })
}

function head(hub: HubServer, file: string, bytes: Buffer, response: ServerResponse): ServerResponse {
  if (applyStatus(nextFault(hub, `head:${file}`), response)) return response
  const etag = `"${etagOf(file, bytes)}"`
  if (isLarge(file)) {
    response.writeHead(302, {
      location: `${hub.contentUrl ?? hub.url}/content`,
      'x-linked-etag': etag,
      'x-linked-size': bytes.length,
    })
  } else {
    response.writeHead(200, { etag, 'content-length': bytes.length })
  }
  return response.end()
}

function send(
  hub: HubServer,
  { file, bytes, range }: { file: string; bytes: Buffer; range: string | undefined },
  response: ServerResponse,
): ServerResponse {
  const fault = nextFault(hub, file)
  if (applyStatus(fault, response)) return response
  const asked = fault?.kind === 'ignoreRange' ? 0 : Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
  if (asked > 0 && asked >= bytes.length) return refuse(response, 416, { 'content-range': `bytes */${bytes.length}` })
  const start = fault?.kind === 'wrongRange' ? asked - 1 : asked
  const body = Buffer.from(bytes.subarray(start))
  if (fault?.kind === 'wrongBytes') body[0] = body[0]! ^ 1
  const sent = fault?.kind === 'short' ? body.subarray(0, body.length - fault.by) : body
  const partial = asked > 0 ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}
  response.writeHead(asked > 0 ? 206 : 200, { 'content-length': sent.length, ...partial })
  if (fault?.kind === 'cut' || fault?.kind === 'stall') {
    if (fault.kind === 'cut') hub.cuts.push({ file, at: start + fault.after, response })
    response.write(sent.subarray(0, fault.after), () => {
      hub.onBody?.(file)
      if (fault.kind === 'cut' && fault.after === 0) response.destroy()
    })
    return response
  }
  hub.onBody?.(file)
  return response.end(sent)
}

function nextFault(hub: HubServer, key: string): Fault | undefined {
  return hub.faults.get(key)?.shift() ?? hub.constantFaults.get(key)
}

function applyStatus(fault: Fault | undefined, response: ServerResponse): boolean {
  if (fault?.kind === 'status') refuse(response, fault.status, fault.headers)
  else if (fault?.kind === 'redirect') redirect(response, fault.to)
  else return false
  return true
}

function refuse(response: ServerResponse, status: number, headers: Record<string, string> = {}): ServerResponse {
  response.writeHead(status, headers)
  return response.end()
}

function redirect(response: ServerResponse, location: string): ServerResponse {
  response.writeHead(302, { location })
  return response.end()
}

function json(response: ServerResponse, value: unknown): ServerResponse {
  response.writeHead(200, { 'content-type': 'application/json' })
  return response.end(JSON.stringify(value))
}
