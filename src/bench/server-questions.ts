// Questions to the server beside the run: what it serves, how it counts, what it has computed.

import { QvlError } from '../errors.js'
import type { ServerTokenizer } from './datasets/align.js'
import { metricsTimeoutMs } from './limits.js'
import type { SideAnswer, Target } from './load/target.js'
import { nothingCounted, readServerTokens, type ServerTokens } from './report/server-tokens.js'

export interface ServedModel {
  /** What requests call it. */
  name: string
  /** Where its files are: a hub id, or a folder of the server's machine. */
  root: string
}

/** The first of GET /v1/models. Throws USAGE when the server names none. */
export async function firstModel(target: Target, signal: AbortSignal): Promise<ServedModel> {
  const answer = await target.ask('/v1/models', { signal }).catch((error: unknown) => {
    signal.throwIfAborted()
    throw noModel(target, 'The server could not be reached.', error)
  })
  if (answer.status !== 200) throw noModel(target, `It answered /v1/models with status ${answer.status}.`)
  const entry: unknown = field(field(parsed(answer), 'data'), 0)
  const id = field(entry, 'id')
  if (typeof id !== 'string') throw noModel(target, 'Its answer to /v1/models names no model.')
  const root = field(entry, 'root')
  return { name: id, root: typeof root === 'string' ? root : id }
}

/** How the server cuts texts into tokens, for prompts that shall have the same length there. */
export function serverTokenizer(target: Target, model: string, signal: AbortSignal): ServerTokenizer {
  const ask = async (path: string, body: object): Promise<unknown> => {
    const answer = await target.ask(path, { body: { model, ...body }, signal })
    return answer.status === 200 ? parsed(answer) : undefined
  }
  return {
    async tokenize(prompt) {
      const tokens = field(await ask('/tokenize', { prompt, add_special_tokens: false }), 'tokens')
      if (Array.isArray(tokens) && tokens.every((token) => typeof token === 'number')) return tokens
      throw unusable('/tokenize')
    },
    async detokenize(tokens) {
      const prompt = field(await ask('/detokenize', { tokens }), 'prompt')
      if (typeof prompt === 'string') return prompt
      throw unusable('/detokenize')
    },
  }
}

/** Nothing where the server has no /metrics: they add to the report, and are no condition of it. */
export async function countedTokens(target: Target, signal: AbortSignal): Promise<ServerTokens> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(metricsTimeoutMs)])
  const answer = await target.ask('/metrics', { signal: limited }).catch(() => undefined)
  return answer?.status === 200 ? readServerTokens(answer.body) : nothingCounted
}

function parsed({ body }: SideAnswer): unknown {
  try {
    return JSON.parse(body)
  } catch {
    // The field that is looked for will be missing.
    return undefined
  }
}

function field(value: unknown, key: string | number): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return new Map<string | number, unknown>(Object.entries(value)).get(String(key))
}

function unusable(path: string): QvlError {
  return new QvlError('USAGE', { what: `The server's answer to ${path} cannot be used.` })
}

function noModel(target: Target, why: string, cause?: unknown): QvlError {
  return new QvlError('USAGE', {
    what: `The model that ${target.origin} serves is not known.`,
    why,
    do: 'Start the server, correct --base-url, or --host and --port, or name the model with --model.',
    param: '--model',
    cause,
  })
}
