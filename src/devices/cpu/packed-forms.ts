// The packed weights kept on this machine: which checkpoint each is of, and whether it is whole.

import { type FileHandle, open, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { checksum } from './checksum.js'
import { derivedFilesFolder } from './packed-cache.js'
import { originSuffix, type PackedOrigin, packedSuffix } from './packed-origin.js'

export interface PackedForm {
  file: string
  bytes: number
  /** Undefined for files without a note of it. */
  origin: PackedOrigin | undefined
}

/** As native/cpu/packed_cache.cc writes them. */
const magic = 'qvlpack\n'
const version = 1
const headerBytes = 56
const page = 4096
const sumBytes = 8
/** The tables of the largest models have a few megabytes. */
const maxTableBytes = 256 * 1024 ** 2

export async function listPackedForms(env: NodeJS.ProcessEnv): Promise<PackedForm[]> {
  const folder = join(derivedFilesFolder(env), 'packed')
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(packedSuffix))
  return Promise.all(
    names.sort().map(async (name) => {
      const file = join(folder, name)
      return { file, bytes: (await stat(file)).size, origin: await readOrigin(`${file}${originSuffix}`) }
    }),
  )
}

export async function removePackedForm({ file }: PackedForm): Promise<void> {
  await rm(file, { force: true })
  await rm(`${file}${originSuffix}`, { force: true })
}

/**
 * What is wrong with a file, in a sentence: its size, its header, or the table of its panels' checksums. The panels are
 * compared with that table whenever the file is used, and packed again where they differ.
 */
export async function packedFault({ file, bytes }: PackedForm): Promise<string | undefined> {
  await using handle = await open(file, 'r')
  const header = await readAt(handle, 0, headerBytes)
  if (header === undefined || header.toString('latin1', 0, magic.length) !== magic) return 'It has no header.'
  if (header.readUInt32LE(8) !== version || header.readUInt32LE(12) !== 1) return 'It is of another version of qvl.'
  const [descriptionBytes, numPanels, panelBytes] = [16, 24, 32].map((at) => Number(header.readBigUInt64LE(at)))
  const sumsAt = roundUp(headerBytes + descriptionBytes!, sumBytes)
  const panelsAt = roundUp(sumsAt + numPanels! * sumBytes, page)
  if (panelsAt > maxTableBytes || bytes !== panelsAt + panelBytes!)
    return 'It does not have the size that its header says.'
  const description = await readAt(handle, headerBytes, descriptionBytes!)
  const sums = await readAt(handle, sumsAt, numPanels! * sumBytes)
  const isWhole =
    description !== undefined &&
    sums !== undefined &&
    checksum(description) === header.readBigUInt64LE(40) &&
    checksum(sums) === header.readBigUInt64LE(48)
  return isWhole ? undefined : 'Its description or its table of checksums is damaged.'
}

async function readOrigin(file: string): Promise<PackedOrigin | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const [, fingerprint, format] =
    /^\{"fingerprint":"([0-9a-f]{64})(?:-[a-z]+)?","format":"([a-z0-9]+)"\}$/.exec(text) ?? []
  return fingerprint === undefined || format === undefined ? undefined : { fingerprint, format }
}

/** Undefined where the file ends before. */
async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer | undefined> {
  const bytes = Buffer.alloc(length)
  const { bytesRead } = await handle.read(bytes, 0, length, position)
  return bytesRead === length ? bytes : undefined
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit
