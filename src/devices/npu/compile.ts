// Compiles a program for an NPU: lowers it, has ATC compile it in a temporary folder, and keeps the result.

import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { QvlError } from '../../errors.js'
import { type Atc, findAtc, runAtc } from './atc.js'
import { atcArguments } from './atc-arguments.js'
import {
  type CompiledFacts,
  type CompiledFor,
  type CompiledProgram,
  compiledFolder,
  compiledFormat,
  factsName,
  hostCpu,
  logName,
  readCompiled,
  weightFolder,
} from './compiled.js'
import type { Gear } from './gears.js'
import { checkForAtc } from './lint.js'
import { lowerPadded, type PaddedProgram } from './lower-padded.js'
import { writeModelFolder } from './model-folder.js'

export interface CompileOptions extends CompiledFor {
  gears: readonly Gear[]
  /** Path of atc; found as `findAtc` says when absent. */
  atc?: string | undefined
  /** Processor of the machine that will run it; this one's when absent. */
  hostCpu?: string | undefined
  /** As AtcTarget has it. */
  maxInlineBytes?: number | undefined
  signal?: AbortSignal | undefined
  onPhase?: ((phase: CompilePhase) => void) | undefined
}

export type CompilePhase =
  | { phase: 'weights'; done: number; total: number }
  /** For minutes, or tens of them. */
  | { phase: 'atc'; log: string }

/** `cached`: it was there already. */
export interface CompileResult extends CompiledProgram {
  cached: boolean
}

/**
 * Throws TENSOR_* for unfit weights, DEVICE_UNAVAILABLE without ATC, DEVICE_FAILED where it fails, OUTPUT_UNWRITABLE where
 * the disk is full, and the signal's reason. Nothing but a log is left of a compilation that did not succeed.
 */
export async function compileProgram(options: CompileOptions): Promise<CompileResult> {
  const { program, weights, gears, products } = options
  const padded = lowerPadded(program, weights, { gears, products })
  checkForAtc(padded.model)
  const atc = await findAtc(options.atc, process.env)
  const target = { soc: options.soc, hostCpu: options.hostCpu ?? hostCpu() }
  const args = atcArguments(padded, { ...target, maxInlineBytes: options.maxInlineBytes })
  const parent = await compiledFolder(options)
  const folder = path.join(parent, keyOf(padded, args, atc))
  const known = await readCompiled(folder)
  if (known !== undefined) return { ...known, cached: true }
  await compileInto(folder, { padded, atc, args, ...target, options })
  const made = await readCompiled(folder)
  if (made === undefined) throw vanished(folder)
  return { ...made, cached: false }
}

/** What the parent folder's name does not cover already. */
function keyOf({ model }: PaddedProgram, args: readonly string[], atc: Atc): string {
  const hash = createHash('sha256')
    .update(model)
    .update(JSON.stringify([args, atc.version]))
  return hash.digest('hex').slice(0, 32)
}

interface Compilation {
  padded: PaddedProgram
  atc: Atc
  args: readonly string[]
  soc: string
  hostCpu: string
  options: CompileOptions
}

/** In a folder beside it, which becomes it when everything is there. */
async function compileInto(folder: string, compilation: Compilation): Promise<void> {
  await writing(() => mkdir(path.dirname(folder), { recursive: true, mode: 0o700 }), folder)
  await removeAbandoned(path.dirname(folder))
  const work = await writing(() => mkdtemp(`${folder}${workMark}`), folder)
  try {
    await checkSpace(work, compilation.padded)
    const { args, atc, options } = compilation
    const { signal, onPhase } = options
    const log = path.join(work, logName)
    const failedLog = `${folder}.log`
    const onBytes = (done: number, total: number): void => onPhase?.({ phase: 'weights', done, total })
    await writing(() => writeModelFolder(work, compilation.padded, { signal, onBytes }), work)
    onPhase?.({ phase: 'atc', log })
    const out = path.join(work, 'out')
    await writing(() => mkdir(out), work)
    await runAtc({ atc, args, folder: work, log, failedLog, signal })
    const facts = await factsOf(out, compilation)
    if (facts === undefined) throw await withoutResult(log, failedLog)
    await writing(() => writeFile(path.join(out, factsName), JSON.stringify(facts, undefined, 2)), out)
    await writing(() => rename(log, path.join(out, logName)), out)
    await writing(() => moveIntoPlace(out, folder), folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const workMark = '.tmp-'
/** No compilation takes that long. */
const abandonedMs = 24 * 3_600_000

/** What a process that was killed left takes as much room as a model. */
async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const left = path.join(parent, name)
    if (!name.includes(workMark)) continue
    const changed = await stat(left).catch(() => undefined)
    if (changed !== undefined && Date.now() - changed.mtimeMs > abandonedMs)
      await rm(left, { recursive: true, force: true })
  }
}

/** Another process may have compiled the same meanwhile, and be using it. */
async function moveIntoPlace(out: string, folder: string): Promise<void> {
  try {
    await rename(out, folder)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST')))
      throw error
  }
}

/** Undefined where ATC wrote no model. */
async function factsOf(out: string, compilation: Compilation): Promise<CompiledFacts | undefined> {
  const names = await readdir(out, { recursive: true })
  // ATC may add the system and the processor to the name.
  const om = names.find((name) => /^model(_\w+)?\.om$/.test(name))
  if (om === undefined) return undefined
  let bytes = 0
  for (const name of names) bytes += (await stat(path.join(out, name))).size
  const { padded, args, atc, soc, options } = compilation
  return {
    format: compiledFormat,
    soc,
    products: options.products,
    hostCpu: compilation.hostCpu,
    atcVersion: atc.version,
    args,
    createdAt: new Date().toISOString(),
    om,
    bytes,
    hasWeightFolder: names.some((name) => name.startsWith(`${weightFolder}${path.sep}`)),
    layout: padded.layout,
  }
}

/** The weights as ATC reads them, and once more in what it writes. */
async function checkSpace(folder: string, { weights }: PaddedProgram): Promise<void> {
  const needed = 2 * weights.bytes
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize >= needed) return
  const gb = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`
  throw new QvlError('OUTPUT_UNWRITABLE', {
    what: `There is too little room for a compiled model in ${path.dirname(folder)}.`,
    why: `It takes about ${gb(needed)} while it is compiled, and ${gb(bavail * bsize)} are free.`,
    do: 'Free some, or set QVL_CACHE to a folder on a larger disk.',
  })
}

/** Throws OUTPUT_UNWRITABLE where the file system refuses; other errors are thrown as they are. */
async function writing<Result>(work: () => Promise<Result>, where: string): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof Error && 'syscall' in cause && 'code' in cause)) throw cause
    const isFull = cause.code === 'ENOSPC' || cause.code === 'EDQUOT'
    throw new QvlError('OUTPUT_UNWRITABLE', {
      what: `A compiled model cannot be written to ${where}.`,
      why: isFull ? 'The disk is full.' : `The system says ${String(cause.code)}.`,
      do: 'Free some room, or set QVL_CACHE to a folder that can be written to.',
      cause,
    })
  }
}

async function withoutResult(log: string, failedLog: string): Promise<QvlError> {
  await rename(log, failedLog)
  return new QvlError('DEVICE_FAILED', {
    what: 'atc ended without an error and wrote no model.',
    why: 'Its output folder has no file model.om.',
    do: `See what it said in ${failedLog}.`,
  })
}

const vanished = (folder: string): QvlError =>
  new QvlError('DEVICE_FAILED', {
    what: 'A compiled model is gone.',
    why: `Something took ${folder} away while it was compiled.`,
    do: 'Compile again.',
  })
