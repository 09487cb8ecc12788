// Sequences to calls of bounded size, and the answers back to rows: raw vectors and logits, so that what follows is as at home.

import { QvlError } from '../../errors.js'
import type { PooledRows } from '../answers.js'
import type { Sequence, Task } from '../requests.js'
import type { Call } from './fleet.js'
import { maxSequencesPerCall, maxTokensPerCall } from './options.js'
import { isObject } from './replica.js'

export type Piece = Call<PooledRows[]> & { numSequences: number }

/** In the order of the sequences. Throws NOT_IMPLEMENTED for what token ids over HTTP cannot say. */
export function piecesOf({ kind, sequences }: Task, model: string): Piece[] {
  return groups(sequences).map((group) => {
    if (group.some(({ secondFrom, visuals }) => secondFrom !== undefined || visuals !== undefined)) throw notSent()
    const input = group.map(({ ids }) => [...ids])
    const asked = { model, input, use_activation: false, add_special_tokens: false }
    const tokens = group.reduce((sum, { ids }) => sum + ids.length, 0)
    return { ...callOf(kind, asked, input), tokens, numSequences: group.length }
  })
}

/** The same routes and fields at `vllm serve` and `qvl serve`. */
function callOf(
  kind: Task['kind'],
  asked: object,
  input: readonly (readonly number[])[],
): Pick<Piece, 'path' | 'body' | 'read'> {
  switch (kind) {
    case 'embed':
    case 'cosine': {
      const body = { ...asked, encoding_format: 'base64' }
      return {
        path: '/v1/embeddings',
        body,
        read: (answer) => items(answer, input, ({ embedding }) => vector(embedding)),
      }
    }
    case 'tokenEmbed':
    case 'maxsim': {
      const body = { ...asked, task: 'token_embed' }
      const read = (answer: unknown) => items(answer, input, ({ data }, ids) => matrix(data, ids.length))
      return { path: '/pooling', body, read }
    }
    case 'score':
    case 'classify':
      return { path: '/classify', body: asked, read: (answer) => items(answer, input, ({ probs }) => logits(probs)) }
    default:
      return kind satisfies never
  }
}

function groups(sequences: readonly Sequence[]): Sequence[][] {
  const all: Sequence[][] = []
  let tokens = 0
  for (const sequence of sequences) {
    const last = all.at(-1)
    tokens += sequence.ids.length
    if (last !== undefined && last.length < maxSequencesPerCall && tokens <= maxTokensPerCall) last.push(sequence)
    else {
      all.push([sequence])
      tokens = sequence.ids.length
    }
  }
  return all
}

/** By the index that each item names; undefined where one is missing or not as it should be. */
function items(
  answer: unknown,
  input: readonly (readonly number[])[],
  read: (item: Readonly<Record<string, unknown>>, ids: readonly number[]) => PooledRows | undefined,
): PooledRows[] | undefined {
  if (!isObject(answer) || !Array.isArray(answer.data) || answer.data.length !== input.length) return undefined
  const rows = new Map<unknown, PooledRows | undefined>()
  for (const item of answer.data) {
    const ids = isObject(item) && typeof item.index === 'number' ? input[item.index] : undefined
    if (ids !== undefined) rows.set(item.index, read(item, ids))
  }
  const ordered = input.flatMap((_, index) => rows.get(index) ?? [])
  return ordered.length === input.length ? ordered : undefined
}

const none = new Float32Array(0)

/** Little-endian float32, as both servers send it. */
function vector(embedding: unknown): PooledRows | undefined {
  if (typeof embedding !== 'string') return undefined
  const bytes = new Uint8Array(Buffer.from(embedding, 'base64'))
  if (bytes.length === 0 || bytes.length % 4 !== 0) return undefined
  const hidden = new Float32Array(bytes.buffer)
  return hidden.every(Number.isFinite) ? { rows: 1, hidden, logits: none, sharedTokens: 0 } : undefined
}

function matrix(data: unknown, rows: number): PooledRows | undefined {
  if (!Array.isArray(data) || data.length !== rows) return undefined
  const hidden = numbers(data.flat())
  return hidden && hidden.length % rows === 0 ? { rows, hidden, logits: none, sharedTokens: 0 } : undefined
}

function logits(probs: unknown): PooledRows | undefined {
  const found = Array.isArray(probs) && probs.length > 0 ? numbers(probs) : undefined
  return found && { rows: 1, hidden: none, logits: found, sharedTokens: 0 }
}

const numbers = (values: readonly unknown[]): Float32Array | undefined =>
  values.every((value) => Number.isFinite(value)) ? Float32Array.from(values, Number) : undefined

const notSent = (): QvlError =>
  new QvlError('NOT_IMPLEMENTED', {
    what: 'This prompt cannot be sent to a replica.',
    why: 'Token ids over HTTP carry neither images nor the second segment of a pair.',
    do: 'Send it to a replica directly, or serve the model here.',
  })
