// Downloads one file: resumed, tried again, checked, and given its name only when it is whole.

import { constants } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { QvlError } from '../../errors.js'
import { type Digest, fileSize, hasContent } from './cache-digest.js'
import { withLock } from './cache-lock.js'
import { type HubClient, readBody } from './client.js'
import { TransientFailure } from './errors.js'

export interface RemoteFile {
  /** Its name in the repository. */
  path: string
  url: string
  size: number | undefined
  digest: Digest | undefined
}

export interface DownloadPlace {
  /** Where the whole file goes. */
  path: string
  /** Where bytes are collected. */
  incomplete: string
  lock: string
  /** Whether the file is there already, perhaps fetched by another process meanwhile. */
  isDone: () => Promise<boolean>
}

export interface DownloadOptions {
  signal: AbortSignal
  /** Told how many bytes are on disk. */
  onBytes: (received: number) => void
  warn: (message: string) => void
}

/** Fetch `file` unless it is there. Throws HUB_FILE_CORRUPT when the bytes are wrong twice, HUB_UNAVAILABLE and so on. */
export async function downloadFile(
  client: HubClient,
  file: RemoteFile,
  place: DownloadPlace,
  options: DownloadOptions,
): Promise<void> {
  if (await place.isDone()) return
  const onWait = (): void =>
    options.warn(`${file.path} is already being downloaded, perhaps by another process; waiting for it.`)
  await withLock(place.lock, { limits: client.limits, signal: options.signal, onWait }, async () => {
    if (await place.isDone()) return
    for (let round = 0; round < 2; round++) {
      await client.retrying(
        { signal: options.signal, progress: async () => (await fileSize(place.incomplete)) ?? 0 },
        () => receive(client, file, place.incomplete, options),
      )
      if (await hasContent(place.incomplete, file, options.signal)) return finish(place)
      await rm(place.incomplete, { force: true })
    }
    throw corrupt(client, file)
  })
}

/** One try: ask for the bytes that are not on disk yet, and write them there. */
async function receive(
  client: HubClient,
  file: RemoteFile,
  incomplete: string,
  options: DownloadOptions,
): Promise<void> {
  await using output = await openIncomplete(incomplete, file.size)
  if (file.size !== undefined && output.size === file.size) return
  const response = await client.open(file.url, output.size, options.signal)
  if (response.statusCode === 416 || !continuesAt(response, output.size)) {
    await response.body.dump()
    await rm(incomplete, { force: true })
    throw new TransientFailure(`${client.target.service} did not continue ${file.path} where it had stopped.`)
  }
  // A server that ignores Range sends the whole file.
  if (response.statusCode === 200) await output.restart()
  for await (const chunk of readBody(response, new URL(file.url).host, options.signal)) {
    await output.write(chunk)
    options.onBytes(output.size)
    // More than announced cannot be right: the check that follows says so.
    if (file.size !== undefined && output.size > file.size) return
  }
  await output.sync()
  if (file.size !== undefined && output.size < file.size) {
    throw new TransientFailure(`${client.target.service} ended ${file.path} too early.`)
  }
}

interface Output extends AsyncDisposable {
  readonly size: number
  write(chunk: Buffer): Promise<void>
  restart(): Promise<void>
  sync(): Promise<void>
}

/** The file that collects bytes, to be continued at its end; one that is too long is begun anew. */
async function openIncomplete(path: string, wanted: number | undefined): Promise<Output> {
  let handle = await open(path, constants.O_RDWR | constants.O_CREAT)
  let { size } = await handle.stat()
  const output: Output = {
    get size() {
      return size
    },
    async write(chunk) {
      await writeAll(handle, chunk, size)
      size += chunk.length
    },
    async restart() {
      if (size === 0) return
      // A new file, not this one cut: another process may hold this one.
      await handle.close()
      await rm(path, { force: true })
      handle = await open(path, constants.O_RDWR | constants.O_CREAT)
      size = 0
    },
    sync: () => handle.sync(),
    [Symbol.asyncDispose]: () => handle.close(),
  }
  if (wanted !== undefined && size > wanted) await output.restart()
  return output
}

async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/** Whether a partial answer starts where it was asked to. */
function continuesAt(
  response: { statusCode: number; headers: { 'content-range'?: string | string[] } },
  start: number,
) {
  if (response.statusCode !== 206) return true
  const range = response.headers['content-range']
  return typeof range === 'string' && range.startsWith(`bytes ${start}-`)
}

async function finish(place: DownloadPlace): Promise<void> {
  try {
    await rename(place.incomplete, place.path)
  } catch (error) {
    // A process that also held the lock may have finished first.
    if (!(await place.isDone())) throw error
  }
}

function corrupt(client: HubClient, file: RemoteFile): QvlError {
  return new QvlError('HUB_FILE_CORRUPT', {
    what: `${file.path} of ${client.target.id} arrived with wrong content twice.`,
    why: `Its bytes do not match the size or hash that ${client.target.service} announces.`,
    do: 'Run again; if it happens again, check the endpoint and any proxy in between.',
  })
}
