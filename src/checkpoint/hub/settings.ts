// What the environment says about hubs: where the caches are, which endpoint, whose token, offline or not.

import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { QvlError } from '../../errors.js'
import { isMissing } from '../file-bytes.js'
import { quoteName } from '../quote-name.js'

export type Environment = NodeJS.ProcessEnv

export interface CacheOptions {
  /** Replaces the cache folder, as vLLM's --download-dir does. */
  downloadDir?: string | undefined
  env?: Environment | undefined
}

const defaultHubEndpoint = 'https://huggingface.co'
const defaultModelScopeEndpoint = 'https://modelscope.cn'
const trueWords = new Set(['1', 'on', 'yes', 'true'])

/** The folder that holds `models--org--name`: the one Python's huggingface_hub uses. */
export function hubCacheFolder(options: CacheOptions = {}): string {
  const env = options.env ?? process.env
  const named = options.downloadDir ?? value(env, 'HF_HUB_CACHE') ?? value(env, 'HUGGINGFACE_HUB_CACHE')
  return resolve(named === undefined ? join(hubHome(env), 'hub') : expandHome(named, env))
}

/** The folder that holds `org/name`: the one Python's modelscope uses. */
export function modelScopeCacheFolder(options: CacheOptions = {}): string {
  const env = options.env ?? process.env
  if (options.downloadDir !== undefined) return resolve(expandHome(options.downloadDir, env))
  const root = value(env, 'MODELSCOPE_CACHE') ?? join(home(env), '.cache', 'modelscope', 'hub')
  return resolve(expandHome(root, env), 'models')
}

export function isOffline(env: Environment): boolean {
  return isTrue(value(env, 'HF_HUB_OFFLINE')) || isTrue(value(env, 'TRANSFORMERS_OFFLINE'))
}

export function usesModelScope(env: Environment): boolean {
  return isTrue(value(env, 'VLLM_USE_MODELSCOPE'))
}

export function hubEndpoint(env: Environment): string {
  return endpoint(env, 'HF_ENDPOINT', defaultHubEndpoint)
}

export function modelScopeEndpoint(env: Environment): string {
  return endpoint(env, 'MODELSCOPE_ENDPOINT', defaultModelScopeEndpoint)
}

/** The user's Hugging Face token, from a variable or from the file that `hf auth login` writes. */
export async function hubToken(env: Environment): Promise<string | undefined> {
  for (const name of ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN']) {
    const token = value(env, name)
    if (token !== undefined) return checkToken(token, name)
  }
  const path = expandHome(value(env, 'HF_TOKEN_PATH') ?? join(hubHome(env), 'token'), env)
  const text = (await readTokenFile(path))?.trim()
  return text ? checkToken(text, path) : undefined
}

export function modelScopeToken(env: Environment): string | undefined {
  const token = value(env, 'MODELSCOPE_API_TOKEN')
  return token === undefined ? undefined : checkToken(token, 'MODELSCOPE_API_TOKEN')
}

function hubHome(env: Environment): string {
  const named = value(env, 'HF_HOME')
  if (named !== undefined) return expandHome(named, env)
  const cache = value(env, 'XDG_CACHE_HOME')
  return join(cache === undefined ? join(home(env), '.cache') : expandHome(cache, env), 'huggingface')
}

function home(env: Environment): string {
  return value(env, 'HOME') ?? value(env, 'USERPROFILE') ?? homedir()
}

function expandHome(path: string, env: Environment): string {
  return path === '~' || path.startsWith('~/') ? join(home(env), path.slice(1)) : path
}

/** Variables that are set but empty count as unset, as in a shell's `HF_TOKEN= qvl …`. */
function value(env: Environment, name: string): string | undefined {
  return env[name]?.trim() || undefined
}

function isTrue(text: string | undefined): boolean {
  return text !== undefined && trueWords.has(text.toLowerCase())
}

function endpoint(env: Environment, name: string, fallback: string): string {
  const text = value(env, name) ?? fallback
  const protocol = URL.canParse(text) ? new URL(text).protocol : undefined
  if (protocol === 'https:' || protocol === 'http:') return text.replace(/\/+$/, '')
  throw new QvlError('USAGE', {
    what: `${name} is not an address.`,
    why: `Its value is ${quoteName(text)}.`,
    do: `Set ${name} to an http or https address such as ${fallback}, or unset it.`,
    param: name,
  })
}

async function readTokenFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return undefined
    throw new QvlError('HUB_UNAUTHORIZED', {
      what: `The token file ${path} cannot be read.`,
      why: 'The file exists, but the system refuses to open it.',
      do: 'Correct its permissions, or set HF_TOKEN.',
      cause: error,
    })
  }
}

/** A token goes into a header: a line break in it would forge another one. */
function checkToken(token: string, source: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new QvlError('HUB_UNAUTHORIZED', {
    what: `The token in ${source} is not usable.`,
    why: 'It holds a space, a line break or another character that no token has.',
    do: 'Copy the token again, without anything around it.',
  })
}
