// The flags about replicas that compute in place of this machine, as part of the table in flags.ts.

import { readFile } from 'node:fs/promises'
import type { UpstreamOptions } from '../engine/upstream/options.js'
import { QvlError } from '../errors.js'
import type { CommandName, Flag, ModelCommandName } from './flag.js'
import type { Settings } from './settings.js'

const commands: readonly CommandName[] = ['score', 'embed', 'serve']
const upstream = { group: 'Model', commands } as const

export const upstreamFlags = [
  {
    ...upstream,
    name: 'upstream',
    type: 'list',
    value: 'URL',
    help: 'compute at these replicas, qvl serve or vLLM, in place of here; separated by commas',
  },
  {
    ...upstream,
    name: 'upstream-api-key-file',
    type: 'string',
    value: 'FILE',
    orNone: true,
    help: 'the key that the replicas ask for (also UPSTREAM_API_KEY)',
  },
  {
    ...upstream,
    name: 'served-upstream-model',
    type: 'string',
    value: 'NAME',
    orNone: true,
    help: 'what the replicas call the model (default: as --model)',
  },
] as const satisfies readonly Flag[]

/** Undefined without --upstream. Throws USAGE. */
export async function upstreamOptions(
  settings: Settings,
  command: ModelCommandName,
  env: NodeJS.ProcessEnv,
): Promise<UpstreamOptions | undefined> {
  const words = settings.upstream.flatMap((word) => word.split(',')).map((word) => word.trim())
  const urls = words.filter(Boolean).map(checkUrl)
  if (urls.length === 0) return undefined
  const file = settings['upstream-api-key-file']
  const apiKey = (file === undefined ? (env.UPSTREAM_API_KEY ?? '') : await readKey(file)).trim()
  return {
    urls: [...new Set(urls)],
    apiKey: apiKey === '' ? undefined : apiKey,
    servedModel: settings['served-upstream-model'],
    forFiles: command !== 'serve',
  }
}

function checkUrl(text: string): string {
  const url = URL.parse(text)
  const isPlain = url !== null && url.username === '' && url.search === '' && url.hash === ''
  if (isPlain && /^https?:$/.test(url.protocol)) return url.href
  throw new QvlError('USAGE', {
    what: '--upstream has an address that cannot be used.',
    why: 'It takes http: and https: addresses without a user, a query or a fragment.',
    do: 'Write it as http://HOST:PORT, several separated by commas.',
    param: '--upstream',
  })
}

async function readKey(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((cause: unknown) => {
    throw new QvlError('USAGE', {
      what: `${file} cannot be read.`,
      do: 'Check the path and its permissions.',
      param: '--upstream-api-key-file',
      cause,
    })
  })
}
