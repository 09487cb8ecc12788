// WordPiece and Unigram, by the @huggingface/tokenizers library, for tokenizers made of parts that are known to be safe.

import { Tokenizer as LibraryTokenizer } from '@huggingface/tokenizers'
import type { JsonField } from './json-field.js'
import type { TextModel } from './text-model.js'

/** Parts without a pattern of their own. */
const plainParts = {
  normalizer: ['BertNormalizer', 'Precompiled', 'Lowercase', 'NFC', 'NFD', 'NFKC', 'NFKD', 'Strip', 'StripAccents'],
  pre_tokenizer: ['BertPreTokenizer', 'Whitespace', 'WhitespaceSplit', 'Punctuation', 'Metaspace'],
  decoder: ['WordPiece', 'Metaspace'],
} as const
/** Patterns of Replace normalizers that cannot backtrack: runs of blanks. */
const knownPatterns: readonly unknown[] = [' {2,}']

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
  const tokenizer = new LibraryTokenizer({ ...json.object(), added_tokens: [], post_processor: null }, config.object())
  return new LibraryModel(tokenizer)
}

class LibraryModel implements TextModel {
  constructor(private readonly tokenizer: LibraryTokenizer) {}

  normalize(text: string): string {
    const { normalizer } = this.tokenizer
    return normalizer === null ? text : normalizer.normalize(text)
  }

  encode(text: string, into: number[]): void {
    for (const id of this.tokenizer.encode(text, { add_special_tokens: false }).ids) into.push(id)
  }

  decode(tokens: readonly string[]): string {
    const { decoder } = this.tokenizer
    return decoder === null ? tokens.join(' ') : decoder.decode([...tokens])
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
