// The fixtures: requests and the answers they must get, in JSON files of one endpoint each.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ContractServerOptions } from './server.js'

export interface Fixture {
  name: string
  /** A folder of test/golden/checkpoints. */
  model: string
  /** Options of the server that differ from the defaults. */
  server?: ContractServerOptions
  /** Default POST. */
  method?: string
  path: string
  headers?: Record<string, string>
  /** Sent as JSON; `text` is sent as it is. */
  body?: unknown
  text?: string
  status: number
  /** Header values of the answer, as patterns. */
  answerHeaders?: Record<string, string>
  /** The answer, as patterns (support/pattern.ts); `answerBytes` is its length where it is not JSON. */
  answer?: unknown
  answerBytes?: number
}

/** By file name, without `.json`. */
export function readFixtures(): Map<string, Fixture[]> {
  const folder = fileURLToPath(new URL('../fixtures/', import.meta.url))
  const files = readdirSync(folder).sort()
  return new Map(
    files.map((file) => [file.replace('.json', ''), JSON.parse(readFileSync(folder + file, 'utf8')) as Fixture[]]),
  )
}
