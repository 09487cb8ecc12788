// The flags of qvl serve about who may use it: keys, origins, TLS.

import { readFile } from 'node:fs/promises'
import { QvlError } from '../errors.js'
import type { AccessOptions } from '../server/http/access.js'
import type { Tls } from '../server/http/listener.js'
import { parseJson } from './flag-value.js'
import type { Settings } from './settings.js'

/** Throws USAGE. */
export async function accessOptions(settings: Settings, env: NodeJS.ProcessEnv): Promise<AccessOptions> {
  return {
    apiKeys: await apiKeysOf(settings, env),
    openMetrics: settings['metrics-without-key'],
    allowedHosts: settings['allowed-hosts'].map((name) => name.toLowerCase()),
    allowedOrigins: textList(settings, 'allowed-origins') ?? [],
    allowedMethods: textList(settings, 'allowed-methods') ?? ['*'],
    allowedHeaders: textList(settings, 'allowed-headers') ?? ['*'],
    allowCredentials: settings['allow-credentials'],
  }
}

/** From all three places together, so that a key can be changed without a gap. Throws USAGE. */
export async function apiKeysOf(settings: Settings, env: NodeJS.ProcessEnv): Promise<string[]> {
  const file = settings['api-key-file']
  const fromFile = file === undefined ? [] : (await readNamed(file, '--api-key-file')).toString('utf8').split(/\r?\n/)
  const keys = [...settings['api-key'], env.VLLM_API_KEY ?? '', ...fromFile].map((key) => key.trim()).filter(Boolean)
  if (file !== undefined && keys.length === 0) {
    throw new QvlError('USAGE', {
      what: `The file ${file} has no API key.`,
      why: 'The server would answer everybody.',
      do: 'Write one key on each line, or leave --api-key-file out.',
      param: '--api-key-file',
    })
  }
  const spaced = keys.find((key) => /\s/.test(key))
  if (spaced === undefined) return keys
  throw new QvlError('USAGE', {
    what: 'An API key has a space in it.',
    why: 'No client could send it in an Authorization header.',
    do: 'Write one key on each line of the file, or each as a word of its own.',
    param: '--api-key',
  })
}

/** The key that a client sends: the first of --api-key-file, or VLLM_API_KEY. Throws USAGE. */
export async function firstKey(settings: Settings, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const file = settings['api-key-file']
  const text =
    file === undefined ? (env.VLLM_API_KEY ?? '') : (await readNamed(file, '--api-key-file')).toString('utf8')
  return text
    .split(/\r?\n/)
    .map((key) => key.trim())
    .find(Boolean)
}

/** Undefined without TLS. Throws USAGE. */
export async function tlsOptions(settings: Settings): Promise<Tls | undefined> {
  const { 'ssl-keyfile': keyFile, 'ssl-certfile': certFile, 'ssl-ca-certs': caFile } = settings
  if (certFile === undefined) {
    if (keyFile === undefined && caFile === undefined) return undefined
    throw new QvlError('USAGE', {
      what: 'TLS needs a certificate.',
      why: 'A key or an authority was given without one.',
      do: 'Add --ssl-certfile FILE.',
      param: '--ssl-certfile',
    })
  }
  const cert = await readNamed(certFile, '--ssl-certfile')
  return {
    cert,
    // As in uvicorn, the certificate's file may hold the key too.
    key: keyFile === undefined ? cert : await readNamed(keyFile, '--ssl-keyfile'),
    ca: caFile === undefined ? undefined : await readNamed(caFile, '--ssl-ca-certs'),
    requireClientCertificate: settings['ssl-cert-reqs'] === 2,
  }
}

async function readNamed(file: string, flag: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (cause) {
    throw new QvlError('USAGE', {
      what: `The file ${file} cannot be read.`,
      why: `${flag} names it.`,
      do: 'Check the path and its permissions.',
      param: flag,
      cause,
    })
  }
}

/** vLLM's flags take a JSON list; one bare word is taken as a list of one. */
function textList(settings: Settings, flag: 'allowed-origins' | 'allowed-methods' | 'allowed-headers') {
  const text = settings[flag]
  if (text === undefined) return undefined
  const value = parseJson(text)
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
  if (/^[^\s[\]{}",]+$/.test(text)) return [text]
  throw new QvlError('USAGE', {
    what: `--${flag} does not take the value ${JSON.stringify(text)}.`,
    why: `It is a JSON list of texts, such as '["https://example.org"]'; mind the quotes of your shell.`,
    do: 'Correct the value.',
    param: `--${flag}`,
  })
}
