// Where compiled programs are kept, and how one is found again: by the program, its weights, the chip and the number type.

import { createHash } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import type { WeightTable } from '../../checkpoint/weights.js'
import { QvlError } from '../../errors.js'
import type { Program } from '../../program/program.js'
import { derivedFilesFolder } from '../cpu/packed-cache.js'
import type { NpuLayout } from './layout.js'
import type { Products } from './weight-places.js'

/** Facts of a compiled program, as om.json has them. */
export interface CompiledFacts {
  format: typeof compiledFormat
  soc: string
  products: Products
  /** Of the machine that will run it, such as x86_64. */
  hostCpu: string
  atcVersion: string
  /** What ATC was given. */
  args: readonly string[]
  /** ISO 8601. */
  createdAt: string
  /** The compiled file's name. */
  om: string
  /** Of the compiled file and of the weights beside it. */
  bytes: number
  /** Whether weights are in the folder `weight` beside it. */
  hasWeightFolder: boolean
  layout: NpuLayout
}

/** A compiled program on disk. */
export interface CompiledProgram {
  folder: string
  omPath: string
  /** Where weights are kept beside it. */
  weightDir?: string
  facts: CompiledFacts
}

/** Changes when om.json or the lowering does, so that older files are not mistaken for it. */
export const compiledFormat = 1

export const factsName = 'om.json'
export const logName = 'atc.log'
export const weightFolder = 'weight'

export interface CompiledFor {
  program: Program
  weights: WeightTable
  soc: string
  products: Products
  /** Identifies the checkpoint's content. */
  fingerprint?: string | undefined
  /** The user's cache folder when absent. */
  cacheDir?: string | undefined
}

/** The folder of everything compiled from a program and its weights for a chip. */
export async function compiledFolder(asked: CompiledFor): Promise<string> {
  const { program, weights, soc, products, fingerprint, cacheDir } = asked
  const hash = createHash('sha256').update(`${compiledFormat}\n${soc}\n${products}\n${JSON.stringify(program)}\n`)
  hash.update(fingerprint ?? (await filesIdentity(weights)))
  for (const [name, tensor] of weights) if ('data' in tensor) hash.update(name).update(tensor.data)
  return path.join(cacheDir ?? derivedFilesFolder(process.env), 'npu', hash.digest('hex').slice(0, 32))
}

/** For weights that nobody has taken a fingerprint of. */
async function filesIdentity(weights: WeightTable): Promise<string> {
  const files = new Set([...weights.values()].flatMap((tensor) => ('file' in tensor ? [tensor.file] : [])))
  const identities: string[] = []
  for (const file of files) {
    const { size, mtimeMs } = await stat(file)
    identities.push(`${file} ${size} ${mtimeMs}`)
  }
  return identities.join('\n')
}

/** The newest of what was compiled for this machine's processor. Undefined where nothing was. */
export async function findCompiled(asked: CompiledFor): Promise<CompiledProgram | undefined> {
  const folder = await compiledFolder(asked)
  const names = await readdir(folder).catch(() => [])
  const found: CompiledProgram[] = []
  for (const name of names) {
    const compiled = await readCompiled(path.join(folder, name))
    if (compiled?.facts.hostCpu === hostCpu()) found.push(compiled)
  }
  return found.sort((a, b) => a.facts.createdAt.localeCompare(b.facts.createdAt)).at(-1)
}

/** As ATC calls this machine's processor. */
export const hostCpu = (): string => (process.arch === 'arm64' ? 'aarch64' : 'x86_64')

/** Undefined for a folder that holds none. Throws DEVICE_FAILED where its facts cannot be read. */
export async function readCompiled(folder: string): Promise<CompiledProgram | undefined> {
  const file = path.join(folder, factsName)
  const facts = parseFacts(await readFile(file, 'utf8').catch(() => ''), file)
  if (facts === undefined) return undefined
  const weightDir = facts.hasWeightFolder ? { weightDir: path.join(folder, weightFolder) } : {}
  return { folder, omPath: path.join(folder, facts.om), ...weightDir, facts }
}

function parseFacts(text: string, file: string): CompiledFacts | undefined {
  if (text === '') return undefined
  try {
    const facts: unknown = JSON.parse(text)
    return isFacts(facts) ? facts : undefined
  } catch (cause) {
    throw new QvlError('DEVICE_FAILED', {
      what: `${file} is damaged.`,
      why: 'It is no JSON.',
      do: 'Remove its folder, and compile again.',
      cause,
    })
  }
}

/** The file is ours and was written whole; only its age is in question. */
const isFacts = (facts: unknown): facts is CompiledFacts =>
  typeof facts === 'object' && facts !== null && 'format' in facts && facts.format === compiledFormat
