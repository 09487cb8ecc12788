// Where packed weights are kept between runs, so that the next start only maps them.

import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { LoadOptions } from '../device.js'
import type { Plan, PlanWeight } from './native.js'
import { noteOrigin, packedSuffix } from './packed-origin.js'

/** Changes when the layout of packed panels does, so that older files are not mistaken for it. */
const layoutVersion = 1

/**
 * The cache file of a plan: named after the checkpoint's content and everything that decides the packed bytes. None
 * without a fingerprint, because then nothing says when the weights have changed.
 */
export function packedFile(plan: Plan, { fingerprint, cacheDir, warn }: LoadOptions): string | undefined {
  if (fingerprint === undefined) return undefined
  const folder = join(cacheDir ?? derivedFilesFolder(process.env), 'packed')
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch {
    warn?.(`Packed weights are not kept, so every start packs them again: the folder ${folder} cannot be made.`)
    return undefined
  }
  const hash = createHash('sha256').update(`${layoutVersion}\n${fingerprint}\n`)
  for (const weight of plan.weights) hash.update(identity(weight))
  const file = join(folder, `${hash.digest('hex').slice(0, 32)}${packedSuffix}`)
  noteOrigin(file, plan, fingerprint)
  return file
}

function identity({ name, kind, format, shape, source }: PlanWeight): string {
  const content = 'data' in source ? createHash('sha256').update(source.data).digest('hex') : source.dtype
  return `${JSON.stringify([name, kind, format, shape, content])}\n`
}

/** Where files derived from weights are kept: `QVL_CACHE`, else the user's cache folder. */
export function derivedFilesFolder(env: NodeJS.ProcessEnv): string {
  return env.QVL_CACHE ?? join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'qvl')
}
