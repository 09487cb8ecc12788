// WordPiece and Unigram, by the @huggingface/tokenizers library, for tokenizers made of parts that are known to be safe.

import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers'
import type { JsonField } from './json-field.js'
import { PrecompiledMap } from './precompiled-map.js'
import type { TextModel } from './text-model.js'

/** Parts without a pattern of their own. */
const plainParts = {
  normalizer: ['BertNormalizer', 'Precompiled', 'Lowercase', 'NFC', 'NFD', 'NFKC', 'NFKD', 'Strip', 'StripAccents'],
  pre_tokenizer: ['BertPreTokenizer', 'Whitespace', 'WhitespaceSplit', 'Punctuation', 'Metaspace'],
  decoder: ['WordPiece', 'Metaspace'],
} as const
/** Patterns of Replace normalizers that cannot backtrack: runs of blanks, and what transformers 5 writes for XLM-RoBERTa. */
const knownPatterns: readonly unknown[] = [' {2,}', '[\\n\\r\\t]']

/** The model of a `WordPiece` or `Unigram` tokenizer.json. Throws TOKENIZER_INVALID for parts that qvl does not know. */
export function libraryModel(json: JsonField, config: JsonField, vocab: ReadonlyMap<string, number>): TextModel {
  const { normalizer, pre_tokenizer, decoder } = plainParts
  checkParts(json.at('normalizer'), normalizer, 'normalizers')
  checkParts(json.at('pre_tokenizer'), pre_tokenizer, 'pretokenizers')
  checkParts(json.at('decoder'), decoder, 'decoders')
  const model = json.at('model')
  if (model.at('type').value === 'Unigram') model.at('unk_id').index(vocab.size)
  else if (!vocab.has(model.at('unk_token').string())) model.at('unk_token').fail('is not in the vocabulary')
  // Added tokens are found before text gets here; the library is not to find them in user text.
  const { map, rest } = splitNormalizer(json.at('normalizer'))
  const pieces = model.at('type').value === 'Unigram' ? { model: withoutSpecialPieces(json) } : {}
  const parts = { ...json.object(), ...pieces, normalizer: rest, added_tokens: [], post_processor: null }
  const splitsOnSpace = hasPart(json.at('pre_tokenizer'), 'WhitespaceSplit')
  return new LibraryModel(new LibraryTokenizer(parts, config.object()), { map, splitsOnSpace })
}

/**
 * The names of special tokens are pieces of Unigram's vocabulary too, and the likeliest ones: a text that holds one would
 * get its id. They are given names that no text can hold, because texts have no lone surrogates.
 */
function withoutSpecialPieces(json: JsonField): object {
  const model = json.at('model').object()
  const vocab: unknown[] = Array.isArray(model.vocab) ? [...model.vocab] : []
  for (const token of json.at('added_tokens').missing ? [] : json.at('added_tokens').items()) {
    if (!token.at('special').boolean(false)) continue
    const id = token.at('id').value
    const piece = typeof id === 'number' ? vocab[id] : undefined
    if (Array.isArray(piece)) vocab[Number(id)] = [`\uD800${piece[0]}`, piece[1]]
  }
  return { ...model, vocab }
}

function hasPart(part: JsonField, type: string): boolean {
  if (part.missing) return false
  const list = part.at('type').value === 'Sequence' ? part.at('pretokenizers').items() : []
  return part.at('type').value === type || list.some((inner) => hasPart(inner, type))
}

/** The library only approximates a precompiled map, so the map is taken out and applied here, before the other parts. */
function splitNormalizer(normalizer: JsonField): { map: PrecompiledMap | undefined; rest: object | null } {
  if (normalizer.missing) return { map: undefined, rest: null }
  const isMap = (part: JsonField): boolean => part.at('type').value === 'Precompiled'
  const isList = normalizer.at('type').value === 'Sequence'
  const parts = isList ? normalizer.at('normalizers').items() : [normalizer]
  const [first, ...others] = parts
  others.find(isMap)?.at('type').fail('stands behind another normalizer', 'qvl applies a character map first.')
  if (first === undefined || !isMap(first)) return { map: undefined, rest: normalizer.object() }
  const map = new PrecompiledMap(first.at('precompiled_charsmap').string())
  if (others.length === 0) return { map, rest: null }
  return { map, rest: { ...normalizer.object(), normalizers: others.map((part) => part.object()) } }
}

class LibraryModel implements TextModel {
  constructor(
    private readonly tokenizer: LibraryTokenizer,
    private readonly before: { map: PrecompiledMap | undefined; splitsOnSpace: boolean },
  ) {}

  normalize(text: string): string {
    const { normalizer } = this.tokenizer
    const mapped = this.mapped(text)
    return normalizer === null ? mapped : normalizer.normalize(mapped)
  }

  encode(text: string, into: number[]): void {
    for (const id of this.tokenizer.encode(this.mapped(text), { add_special_tokens: false }).ids) into.push(id)
  }

  decode(tokens: readonly string[]): string {
    const { decoder } = this.tokenizer
    return decoder === null ? tokens.join(' ') : decoder.decode([...tokens])
  }

  private mapped(text: string): string {
    const { map, splitsOnSpace } = this.before
    const mapped = map === undefined ? text : map.normalize(text)
    // U+0085 is a space to the Rust library, and none to JavaScript.
    return splitsOnSpace ? mapped.replaceAll('\u0085', ' ') : mapped
  }
}

function checkParts(part: JsonField, plain: readonly unknown[], listKey: string): void {
  if (part.missing) return
  const type = part.at('type')
  if (plain.includes(type.value)) return
  if (type.value === 'Sequence') {
    for (const inner of part.at(listKey).items()) checkParts(inner, plain, listKey)
    return
  }
  const pattern = part.at('pattern')
  const isKnown =
    type.value === 'Replace' &&
    pattern.value !== undefined &&
    (typeof pattern.at('String').value === 'string' || knownPatterns.includes(pattern.at('Regex').value))
  if (!isKnown)
    type.fail(
      'is not a part qvl knows',
      'Of WordPiece and Unigram tokenizers, qvl reads those of BERT and XLM-RoBERTa.',
    )
}
