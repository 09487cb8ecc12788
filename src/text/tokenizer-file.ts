// Reads tokenizer.json and tokenizer_config.json, bounded and checked, before anything is built from them.

import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { QvlError } from '../errors.js'
import type { AddedToken } from './added-tokens.js'
import { JsonField } from './json-field.js'

/** Largest tokenizer.json: Qwen3's has 11 MB, the largest published ones about 35 MB. */
const maxTokenizerBytes = 64 * 2 ** 20
const maxConfigBytes = 4 * 2 ** 20
/** Largest number of ids; the largest published vocabularies have 262,144. */
export const maxIds = 2 ** 20
const maxAddedTokens = 16_384
const maxAddedTokenChars = 1024

export interface TokenizerFiles {
  tokenizer: JsonField
  config: JsonField
  /** Ids by token, without the added tokens. */
  vocab: ReadonlyMap<string, number>
  addedTokens: readonly AddedToken[]
  /** One more than the highest id. */
  numIds: number
}

/** Throws CHECKPOINT_FILE_MISSING without a tokenizer.json, and TOKENIZER_INVALID for a broken file. */
export async function readTokenizerFiles(dir: string): Promise<TokenizerFiles> {
  const tokenizer = await readJson(dir, 'tokenizer.json', maxTokenizerBytes)
  if (tokenizer === undefined) {
    throw new QvlError('CHECKPOINT_FILE_MISSING', {
      what: `The checkpoint in ${dir} has no tokenizer.json.`,
      why: 'qvl reads tokenizers in this format only.',
      do: 'Download the checkpoint again, or save its tokenizer with transformers (a fast tokenizer).',
      param: 'tokenizer.json',
    })
  }
  const config =
    (await readJson(dir, 'tokenizer_config.json', maxConfigBytes)) ??
    new JsonField({}, join(dir, 'tokenizer_config.json'))
  const vocab = readVocab(tokenizer.at('model'))
  const addedTokens = readAddedTokens(tokenizer, config, vocab)
  let numIds = 0
  for (const id of vocab.values()) numIds = Math.max(numIds, id + 1)
  for (const token of addedTokens) numIds = Math.max(numIds, token.id + 1)
  return { tokenizer, config, vocab, addedTokens, numIds }
}

async function readJson(dir: string, name: string, maxBytes: number): Promise<JsonField | undefined> {
  const path = join(dir, name)
  const bytes = await readBounded(path, maxBytes)
  if (bytes === undefined) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return new JsonField(value, path)
  } catch (cause) {
    throw unreadable(path, 'It is not JSON in UTF-8.', cause)
  }
}

/** The content of a file, or undefined when there is none. */
async function readBounded(path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    await using file = await open(path)
    const stats = await file.stat()
    if (!stats.isFile()) throw unreadable(path, 'It is not a regular file.')
    if (stats.size > maxBytes) throw unreadable(path, `It has ${stats.size} bytes; the limit is ${maxBytes}.`)
    return await file.readFile()
  } catch (error) {
    if (error instanceof QvlError) throw error
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw unreadable(path, 'It cannot be read.', error)
  }
}

function unreadable(path: string, why: string, cause?: unknown): QvlError {
  const hint = 'Download the file again, or take it from the original checkpoint.'
  return new QvlError('TOKENIZER_INVALID', { what: `The tokenizer file ${path} is not usable.`, why, do: hint, cause })
}

function readVocab(model: JsonField): Map<string, number> {
  const field = model.at('vocab')
  const vocab = Array.isArray(field.value) ? readPieces(field, field.value) : readIds(field)
  if (vocab.size > maxIds) field.fail(`has ${vocab.size} tokens; the limit is ${maxIds}`)
  if (vocab.size === 0) field.fail('is empty')
  return vocab
}

/** `{token: id}`, as BPE and WordPiece have it. */
function readIds(field: JsonField): Map<string, number> {
  const vocab = new Map<string, number>()
  const used = new Uint8Array(maxIds)
  for (const [token, id] of Object.entries(field.object())) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= maxIds) {
      return field.fail(`has the id ${JSON.stringify(id)} for ${JSON.stringify(token)}, which is out of range`)
    }
    if (used[id] === 1) field.fail(`has the id ${id} twice`)
    used[id] = 1
    vocab.set(token, id)
  }
  return vocab
}

/** `[[token, score]]`, as Unigram has it: ids count up. */
function readPieces(field: JsonField, list: readonly unknown[]): Map<string, number> {
  const vocab = new Map<string, number>()
  for (const [id, entry] of list.entries()) {
    const [token, score] = Array.isArray(entry) ? entry : []
    if (typeof token !== 'string' || typeof score !== 'number' || !Number.isFinite(score)) {
      return field.fail(`must hold tokens with their scores, which entry ${id} is not`)
    }
    if (vocab.has(token)) field.fail(`has the token ${JSON.stringify(token)} twice`)
    vocab.set(token, id)
  }
  return vocab
}

/** Those of tokenizer.json, with the flags and additions of tokenizer_config.json, which transformers lets win. */
function readAddedTokens(tokenizer: JsonField, config: JsonField, vocab: ReadonlyMap<string, number>): AddedToken[] {
  const tokens = new Map<string, AddedToken>()
  const list = tokenizer.at('added_tokens')
  for (const field of list.missing ? [] : list.items()) {
    const token = readAddedToken(field, field.at('id').index(maxIds))
    if (tokens.has(token.content)) field.fail(`repeats ${JSON.stringify(token.content)}`)
    tokens.set(token.content, token)
  }
  const byId = config.at('added_tokens_decoder')
  for (const key of byId.missing ? [] : Object.keys(byId.object())) {
    const field = byId.at(key)
    const id =
      /^\d{1,7}$/.test(key) && Number(key) < maxIds ? Number(key) : field.fail('has a key that is not a token id')
    const token = readAddedToken(field, id)
    const known = tokens.get(token.content)
    if (known !== undefined && known.id !== token.id) field.fail(`has the id ${known.id} in tokenizer.json`)
    tokens.set(token.content, token)
  }
  if (tokens.size > maxAddedTokens) list.fail(`has ${tokens.size} tokens; the limit is ${maxAddedTokens}`)
  checkIds(list, [...tokens.values()], vocab)
  return [...tokens.values()]
}

function readAddedToken(field: JsonField, id: number): AddedToken {
  const content = field.at('content').string()
  if (content === '' || content.length > maxAddedTokenChars) {
    field.at('content').fail(`must have 1 to ${maxAddedTokenChars} characters`)
  }
  const special = field.at('special').boolean(false)
  return {
    id,
    content,
    special,
    singleWord: field.at('single_word').boolean(false),
    lstrip: field.at('lstrip').boolean(false),
    rstrip: field.at('rstrip').boolean(false),
    normalized: field.at('normalized').boolean(!special),
  }
}

/** An added token has an id of its own, or the id that the vocabulary gives it. */
function checkIds(list: JsonField, tokens: readonly AddedToken[], vocab: ReadonlyMap<string, number>): void {
  const owners = new Map<number, string>()
  for (const [token, id] of vocab) owners.set(id, token)
  for (const { id, content } of tokens) {
    const listed = vocab.get(content)
    const owner = owners.get(id)
    if ((listed !== undefined && listed !== id) || (owner !== undefined && owner !== content)) {
      list.fail(
        `gives ${JSON.stringify(content)} the id ${id}, which contradicts the vocabulary or another added token`,
      )
    }
    owners.set(id, content)
  }
}
