// The folders that qvl writes to: whether it may, what is in them, and how much room is left.

import { access, constants, readdir, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hubCacheFolder } from '../../checkpoint/hub/settings.js'
import { derivedFilesFolder } from '../../devices/cpu/packed-cache.js'
import type { Check } from './check.js'
import { sizeText } from './size-text.js'

/** More files than caches have; counting stops there. */
const maxFiles = 50_000

export async function fileChecks(downloadDir: string | undefined): Promise<Check[]> {
  return [
    await folderCheck('models', hubCacheFolder({ downloadDir })),
    await folderCheck('cache', derivedFilesFolder(process.env)),
  ]
}

async function folderCheck(name: string, folder: string): Promise<Check> {
  const there = await nearestFolder(folder)
  const { bavail, bsize } = await statfs(there)
  const room = `${sizeText(bavail * bsize)} free`
  const found =
    there === folder ? `${folder}: ${sizeText(await bytesIn(folder))}, ${room}` : `${folder}: empty, ${room}`
  const mayWrite = await access(there, constants.W_OK).then(
    () => true,
    () => false,
  )
  if (mayWrite) return { group: 'Files', name, state: 'ok', found }
  const todo = `Nothing can be written to ${there}: correct its permissions, or set ${name === 'models' ? 'HF_HOME' : 'QVL_CACHE'}.`
  return { group: 'Files', name, state: 'no', found, do: todo }
}

async function nearestFolder(folder: string): Promise<string> {
  for (let at = folder; at !== dirname(at); at = dirname(at)) {
    if (await isFolder(at)) return at
  }
  return dirname(folder)
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )

/** Without following links: a snapshot is made of links to files that are counted where they are. */
async function bytesIn(folder: string): Promise<number> {
  let [bytes, numFiles] = [0, 0]
  const folders = [folder]
  for (let at = folders.pop(); at !== undefined && numFiles < maxFiles; at = folders.pop()) {
    // A folder that may not be read counts as empty.
    for (const entry of await readdir(at, { withFileTypes: true }).catch(() => [])) {
      const path = join(at, entry.name)
      numFiles++
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile())
        bytes += await stat(path).then(
          ({ size }) => size,
          () => 0,
        )
    }
  }
  return bytes
}
