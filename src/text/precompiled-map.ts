// SentencePiece's precompiled character map, the normaliser of XLM-RoBERTa: a trie in a double array, and what each entry
// becomes. Followed to the letter, quirks included, because the model was trained on what the Rust library makes of it.

import { QvlError } from '../errors.js'

/** A map is a few hundred kilobytes. */
const maxBytes = 16 * 1024 * 1024
/** Longer clusters are only looked up character by character. */
const maxClusterBytes = 6

/** The bits of one unit of the double array (darts-clone). */
const hasLeaf = (unit: number): boolean => ((unit >>> 8) & 1) === 1
const leafOf = (unit: number): number => unit & 0x7fffffff
const labelOf = (unit: number): number => unit & 0x800000ff
const offsetOf = (unit: number): number => (unit >>> 10) << ((unit & (1 << 9)) >>> 6)

export class PrecompiledMap {
  readonly #units: Uint32Array
  readonly #replacements: Buffer
  readonly #segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

  /** @param base64 `precompiled_charsmap` of tokenizer.json. Throws TOKENIZER_INVALID. */
  constructor(base64: string) {
    const bytes = Buffer.from(base64, 'base64')
    const trieBytes = bytes.length < 4 ? -1 : bytes.readUInt32LE(0)
    if (bytes.length > maxBytes || trieBytes <= 0 || trieBytes % 4 !== 0 || 4 + trieBytes > bytes.length)
      throw invalid()
    this.#units = Uint32Array.from({ length: trieBytes / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i))
    this.#replacements = bytes.subarray(4 + trieBytes)
  }

  /** Each cluster of characters becomes what the map has for it, or else each of its characters does. */
  normalize(text: string): string {
    let normalized = ''
    for (const { segment } of this.#segmenter.segment(text)) {
      normalized += this.#cluster(segment) ?? this.#characters(segment)
    }
    return normalized
  }

  #cluster(segment: string): string | undefined {
    const bytes = Buffer.from(segment)
    return bytes.length < maxClusterBytes ? this.#replacement(bytes) : undefined
  }

  #characters(segment: string): string {
    return Array.from(segment, (character) => this.#replacement(Buffer.from(character)) ?? character).join('')
  }

  /** What the shortest entry that these bytes begin with becomes, for all of the bytes. */
  #replacement(bytes: Uint8Array): string | undefined {
    const units = this.#units
    let at = offsetOf(units[0]!)
    for (const byte of bytes) {
      if (byte === 0) return undefined
      at ^= byte
      const unit = units[at]
      if (unit === undefined || labelOf(unit) !== byte) return undefined
      at ^= offsetOf(unit)
      if (hasLeaf(unit)) return this.#text(leafOf(units[at] ?? 0))
    }
    return undefined
  }

  /** The replacements stand one after the other, each with a zero byte behind it. */
  #text(start: number): string {
    const end = this.#replacements.indexOf(0, start)
    if (start >= this.#replacements.length || end === -1) throw invalid()
    return this.#replacements.toString('utf8', start, end)
  }
}

const invalid = (): QvlError =>
  new QvlError('TOKENIZER_INVALID', {
    what: 'The precompiled_charsmap of tokenizer.json is damaged.',
    why: 'Its trie or its texts end too early.',
    do: 'Download the tokenizer again.',
    param: 'normalizer.precompiled_charsmap',
  })
