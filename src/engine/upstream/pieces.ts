// Sequences to calls of bounded size, and the answers back to rows: raw vectors and logits, so that what follows is as at home.

import type { PooledRows } from '../answers.js'
import { maxAskedPixels } from '../limits.js'
import type { Sequence, Task } from '../requests.js'
import type { Call } from './fleet.js'
import { isObject } from './http-answer.js'
import { maxAttachedBytesPerCall, maxSequencesPerCall, maxTokensPerCall } from './options.js'

export type Piece = Call<PooledRows[]> & { numSequences: number }

/** The `data:` URLs of images, and of the frames of videos, by their keys. */
export type Attachments = ReadonlyMap<string, readonly string[]>

export interface PieceOptions {
  /** What the replicas call the model. */
  model: string
  attachments?: Attachments
  /** At most `maxSequencesPerCall`, the default. */
  maxSequences?: number
}

/** In the order of the sequences. */
export function piecesOf(
  { kind, sequences }: Pick<Task, 'kind' | 'sequences'>,
  { model, attachments = new Map(), maxSequences = maxSequencesPerCall }: PieceOptions,
): Piece[] {
  return groups(sequences, attachments, maxSequences).map((group) => {
    const ids = group.map((sequence) => [...sequence.ids])
    const needsQvl = group.some(needsMoreThanIds)
    const input = needsQvl ? group.map(finishedPrompt) : ids
    const asked = { model, input, use_activation: false, add_special_tokens: false, ...mediaOf(group, attachments) }
    const tokens = group.reduce((sum, { ids }) => sum + ids.length, 0)
    return { ...callOf(kind, asked, ids), tokens, needsQvl, numSequences: group.length }
  })
}

const needsMoreThanIds = ({ secondFrom, visuals }: Sequence): boolean =>
  secondFrom !== undefined || visuals !== undefined

/** As src/api/finished-prompt.ts reads it. */
function finishedPrompt({ ids, visuals, secondFrom }: Sequence): object {
  const media = visuals?.map(({ facts: { kind, key, times } }) => {
    if (kind === 'image') return { image: nameOf(key, 0) }
    return { video: Array.from({ length: framesPerPair * times.length }, (_, frame) => nameOf(key, frame)) }
  })
  return {
    prompt_token_ids: [...ids],
    ...(media && { media }),
    ...(secondFrom !== undefined && { second_from: secondFrom }),
  }
}

/** Frames that become one patch; the last is repeated where a video has an odd number. */
const framesPerPair = 2

const nameOf = (key: string, frame: number): string => `${key}-${frame}`

/** Each image once, however many prompts it stands in, and not resized again: it has its size already. */
function mediaOf(group: readonly Sequence[], attachments: Attachments): object {
  const facts = new Map(group.flatMap(({ visuals = [] }) => visuals.map((visual) => [visual.facts.key, visual.facts])))
  if (facts.size === 0) return {}
  const named = [...facts].flatMap(([key, { kind }]) => {
    const urls = attachments.get(key) ?? []
    const isOdd = kind === 'video' && urls.length % framesPerPair === 1
    const all = isOdd ? [...urls, ...urls.slice(-1)] : urls
    return all.map((url, frame) => [nameOf(key, frame), url])
  })
  return { attachments: Object.fromEntries(named), mm_processor_kwargs: asItIs }
}

/** One token, and the most that a request may ask for. */
const asItIs = { min_pixels: 32 ** 2, max_pixels: maxAskedPixels }

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

function groups(sequences: readonly Sequence[], attachments: Attachments, maxSequences: number): Sequence[][] {
  const all: Sequence[][] = []
  let tokens = 0
  let keys = new Set<string>()
  for (const sequence of sequences) {
    const last = all.at(-1)
    const own = (sequence.visuals ?? []).map(({ facts }) => facts.key)
    tokens += sequence.ids.length
    for (const key of own) keys.add(key)
    const fits = tokens <= maxTokensPerCall && bytesOf(keys, attachments) <= maxAttachedBytesPerCall
    if (last !== undefined && last.length < maxSequences && fits) last.push(sequence)
    else {
      all.push([sequence])
      tokens = sequence.ids.length
      keys = new Set(own)
    }
  }
  return all
}

const bytesOf = (keys: ReadonlySet<string>, attachments: Attachments): number =>
  [...keys].reduce((sum, key) => sum + (attachments.get(key) ?? []).reduce((all, { length }) => all + length, 0), 0)

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
