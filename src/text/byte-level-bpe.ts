// Byte-level BPE as Qwen and RoBERTa use it: NFC, split pattern, UTF-8 bytes, merges.

import { BpeMerges } from './bpe-merges.js'
import { byteAlphabet } from './byte-alphabet.js'
import { Gpt2Split } from './gpt2-split.js'
import type { JsonField } from './json-field.js'
import { toNfc } from './nfc.js'
import { QwenSplit, qwenPattern } from './qwen-split.js'
import type { TextModel } from './text-model.js'
import type { TextSplit } from './text-split.js'

/** Pieces longer than this are not cached: they hardly repeat, and an attacker could fill memory with them. */
const maxCachedChars = 64
/** Cached pieces; a full cache is emptied. At most about 20 MB. */
const maxCachedPieces = 65_536
const maxBytesPerChar = 3

/**
 * The model of a `BPE` tokenizer.json. Throws TOKENIZER_INVALID for one that is not byte-level BPE with the split pattern of
 * Qwen or GPT-2: another pattern might backtrack without end, and another kind of BPE gives other ids.
 */
export function byteLevelBpe(json: JsonField, vocab: ReadonlyMap<string, number>): TextModel {
  const model = json.at('model')
  for (const key of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    if (model.at(key).stringOrEmpty() !== '') model.at(key).fail('must be empty', onlyByteLevel)
  }
  const dropout = model.at('dropout')
  if (!dropout.missing && dropout.value !== 0) dropout.fail('must be null: ids would be random', onlyByteLevel)
  if (json.at('decoder').at('type').value !== 'ByteLevel') json.at('decoder').fail('must be ByteLevel', onlyByteLevel)
  return new ByteLevelBpe({
    nfc: readNormalizer(json.at('normalizer')),
    ...readPreTokenizer(json.at('pre_tokenizer')),
    bytes: byteIds(model.at('vocab'), vocab),
    merges: readMerges(model.at('merges'), vocab),
    wholeWords: model.at('ignore_merges').boolean(false) ? vocab : undefined,
  })
}

const onlyByteLevel = 'Of the BPE tokenizers, qvl reads the byte-level ones of Qwen and RoBERTa.'

interface ByteLevelParts {
  nfc: boolean
  split: TextSplit
  /** A text that does not begin with a blank gets one. */
  addPrefixSpace: boolean
  /** Id of each byte. */
  bytes: Int32Array
  merges: BpeMerges
  /** With `ignore_merges`, words looked up before merging. */
  wholeWords: ReadonlyMap<string, number> | undefined
}

class ByteLevelBpe implements TextModel {
  private readonly cache = new Map<string, readonly number[]>()
  private readonly alphabet = byteAlphabet()
  private readonly byteOf = new Map(this.alphabet.map((char, byte) => [char, byte]))
  private readonly bytesOf = new Map<string, Uint8Array>()
  private readonly encoder = new TextEncoder()
  private readonly scratch = Buffer.alloc(maxCachedChars * maxBytesPerChar)
  private readonly scratchIds = new Int32Array(maxCachedChars * maxBytesPerChar)

  constructor(private readonly parts: ByteLevelParts) {}

  normalize(text: string): string {
    return this.parts.nfc ? toNfc(text) : text
  }

  encode(text: string, into: number[]): void {
    const { split, addPrefixSpace } = this.parts
    const normalized = this.normalize(text)
    const normal = addPrefixSpace && !normalized.startsWith(' ') ? ` ${normalized}` : normalized
    for (let start = 0; start < normal.length; ) {
      const stop = split.next(normal, start)
      const piece = normal.slice(start, stop)
      start = stop
      if (piece.length > maxCachedChars) {
        this.merge(Buffer.from(piece), new Int32Array(Buffer.byteLength(piece)), into)
        continue
      }
      for (const id of this.cache.get(piece) ?? this.mergeCached(piece)) into.push(id)
    }
  }

  decode(tokens: readonly string[]): string {
    const parts = tokens.map((token) => this.tokenBytes(token))
    const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
    let at = 0
    for (const part of parts) {
      bytes.set(part, at)
      at += part.length
    }
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)
  }

  /** A token of which any character is outside the alphabet stands for its own UTF-8 bytes, as added tokens do. */
  private tokenBytes(token: string): Uint8Array {
    const known = this.bytesOf.get(token)
    if (known !== undefined) return known
    const units = Array.from(token, (char) => this.byteOf.get(char))
    const bytes = units.every((byte) => byte !== undefined) ? Uint8Array.from(units) : Buffer.from(token)
    this.bytesOf.set(token, bytes)
    return bytes
  }

  private mergeCached(piece: string): readonly number[] {
    const { written } = this.encoder.encodeInto(piece, this.scratch)
    const bytes = this.scratch.subarray(0, written)
    const ids: number[] = []
    this.merge(bytes, this.scratchIds, ids)
    if (this.cache.size >= maxCachedPieces) this.cache.clear()
    // Decoded anew: a slice as key would keep the whole text it was cut from in memory.
    this.cache.set(bytes.toString('utf8'), ids)
    return ids
  }

  private merge(bytes: Uint8Array, ids: Int32Array, into: number[]): void {
    const { wholeWords, merges } = this.parts
    const whole = wholeWords?.get(Array.from(bytes, (byte) => this.alphabet[byte]).join(''))
    if (whole !== undefined) {
      into.push(whole)
      return
    }
    for (let i = 0; i < bytes.length; i++) ids[i] = this.parts.bytes[bytes[i] ?? 0] ?? 0
    const count = merges.apply(ids, bytes.length)
    for (let i = 0; i < count; i++) into.push(ids[i] ?? 0)
  }
}

/** Whether text is normalised to NFC first. */
function readNormalizer(normalizer: JsonField): boolean {
  if (normalizer.missing) return false
  if (normalizer.at('type').value !== 'NFC') normalizer.fail('must be NFC or null', onlyByteLevel)
  return true
}

/** Qwen spells its pattern in a Split; RoBERTa leaves it to ByteLevel, whose own is GPT-2's. */
function readPreTokenizer(preTokenizer: JsonField): Pick<ByteLevelParts, 'split' | 'addPrefixSpace'> {
  if (preTokenizer.at('type').value !== 'ByteLevel') {
    checkSplit(preTokenizer)
    return { split: new QwenSplit(), addPrefixSpace: false }
  }
  if (!preTokenizer.at('use_regex').boolean(true)) preTokenizer.at('use_regex').fail('must be true', onlyByteLevel)
  return { split: new Gpt2Split(), addPrefixSpace: preTokenizer.at('add_prefix_space').boolean(true) }
}

function checkSplit(preTokenizer: JsonField): void {
  const [split, byteLevel, ...rest] = preTokenizer.at('pretokenizers').items()
  if (split?.at('type').value !== 'Split' || byteLevel?.at('type').value !== 'ByteLevel' || rest.length > 0) {
    preTokenizer.fail('must be a Split and a ByteLevel', onlyByteLevel)
  }
  const regex = split.at('pattern').at('Regex')
  if (regex.value !== qwenPattern) regex.fail('is not a pattern qvl knows', onlyByteLevel)
  if (split.at('behavior').value !== 'Isolated') split.at('behavior').fail('must be Isolated', onlyByteLevel)
  for (const flag of [split.at('invert'), byteLevel.at('add_prefix_space'), byteLevel.at('use_regex')]) {
    if (flag.value !== false) flag.fail('must be false', onlyByteLevel)
  }
}

function byteIds(field: JsonField, vocab: ReadonlyMap<string, number>): Int32Array {
  return Int32Array.from(byteAlphabet(), (char, byte) => vocab.get(char) ?? field.fail(`has no token for byte ${byte}`))
}

function readMerges(field: JsonField, vocab: ReadonlyMap<string, number>): BpeMerges {
  if (!Array.isArray(field.value)) return field.fail('must be a list')
  const list: readonly unknown[] = field.value
  const merges = new BpeMerges(list.length)
  for (const [rank, merge] of list.entries()) {
    const [left, right, ...rest] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? merge : []
    if (typeof left !== 'string' || typeof right !== 'string' || rest.length > 0) {
      return field.fail(`must hold pairs of tokens, which entry ${rank} is not`)
    }
    const leftId = vocab.get(left)
    const rightId = vocab.get(right)
    const merged = vocab.get(left + right)
    if (leftId === undefined || rightId === undefined || merged === undefined) {
      return field.fail(`names a token outside the vocabulary in entry ${rank}`)
    }
    if (!merges.add(leftId, rightId, rank, merged)) field.fail(`repeats an earlier pair in entry ${rank}`)
  }
  return merges
}
