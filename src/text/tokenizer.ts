// The checkpoint's own tokenizer: text to ids, without letting user text become special tokens.

import { QvlError } from '../errors.js'
import { AddedTokens } from './added-tokens.js'
import { byteLevelBpe } from './byte-level-bpe.js'
import { libraryModel } from './library-model.js'
import { withoutLoneSurrogates } from './nfc.js'
import { type Around, type AroundPair, readPairProcessor, readPostProcessor } from './post-processor.js'
import type { RichText } from './rich-text.js'
import type { TextModel } from './text-model.js'
import { readTokenizerFiles, type TokenizerFiles } from './tokenizer-file.js'

export interface TokenizerOptions {
  /**
   * What strings such as `<|im_end|>` inside user text become. `literal` (default): plain characters. `parse`: special
   * tokens, as the reference implementation does; only for comparing with it.
   */
  specialTokensInText?: 'literal' | 'parse'
}

/** Which of two texts loses tokens when the pair is too long, by transformers' names. */
export type PairTruncation = 'longest_first' | 'only_first' | 'only_second'

export interface Tokenizer {
  /** Number of ids: one more than the highest. */
  readonly vocabSize: number
  /** Tokens without the added ones: what transformers calls vocab_size. */
  readonly baseVocabSize: number
  /** Characters of the longest token as the vocabulary writes it: a text of n tokens has at most n times as many. */
  readonly maxTokenChars: number
  /** What the post-processor puts around one sequence; `after` is [151643] for Qwen3-Embedding, empty for rerankers. */
  readonly around: { readonly before: readonly number[]; readonly after: readonly number[] }
  /** What the post-processor puts around two texts; undefined where it knows no pairs. */
  readonly aroundPair: AroundPair | undefined
  /** As tokenizer.json has it; `longest_first` where it says nothing, which is the library's own default. */
  readonly pairTruncation: PairTruncation
  /** The id of one token by its exact text, such as `yes` or `<|im_end|>`. */
  tokenId(token: string): number | undefined
  /** A token as the vocabulary writes it, such as `Ġthe`; undefined for an id that it does not have. */
  tokenText(id: number): string | undefined
  /** Whether the id is an added token marked special (`<think>` is added but not special). */
  isSpecial(id: number): boolean
  /**
   * Ids of a text; a plain string is user text. The whole text is tokenised at once, so merges across segments happen,
   * but not across special tokens. `addSpecialTokens` (default false) applies the post-processor.
   */
  encode(text: string | RichText, options?: { addSpecialTokens?: boolean }): number[]
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string
}

/**
 * Open the tokenizer of a checkpoint folder (tokenizer.json, tokenizer_config.json). The model type in tokenizer.json
 * decides who tokenises: BPE our own code, WordPiece and Unigram the library. Throws TOKENIZER_INVALID, and
 * CHECKPOINT_FILE_MISSING without a tokenizer.json.
 */
export async function openTokenizer(dir: string, options: TokenizerOptions = {}): Promise<Tokenizer> {
  const files = await readTokenizerFiles(dir)
  const around = readPostProcessor(files.tokenizer.at('post_processor'), files.numIds)
  const aroundPair = readPairProcessor(files.tokenizer.at('post_processor'), files.numIds)
  const parts = { files, around, aroundPair, model: readModel(files) }
  return new CheckpointTokenizer(parts, options.specialTokensInText ?? 'literal')
}

function readModel({ tokenizer, config, vocab }: TokenizerFiles): TextModel {
  const type = tokenizer.at('model').at('type')
  switch (type.value) {
    case 'BPE':
      return byteLevelBpe(tokenizer, vocab)
    case 'WordPiece':
    case 'Unigram':
      return libraryModel(tokenizer, config, vocab)
    default:
      return type.fail('must be BPE, WordPiece or Unigram')
  }
}

const pairTruncations: Readonly<Record<string, PairTruncation>> = {
  LongestFirst: 'longest_first',
  OnlyFirst: 'only_first',
  OnlySecond: 'only_second',
}

function readPairTruncation({ tokenizer }: TokenizerFiles): PairTruncation {
  const truncation = tokenizer.at('truncation')
  const strategy = truncation.missing ? undefined : truncation.at('strategy')
  if (strategy === undefined || strategy.missing) return 'longest_first'
  const name = strategy.string()
  const known = Object.hasOwn(pairTruncations, name) ? pairTruncations[name] : undefined
  return known ?? strategy.fail(`must be one of ${Object.keys(pairTruncations).join(', ')}`)
}

class CheckpointTokenizer implements Tokenizer {
  readonly vocabSize: number
  readonly baseVocabSize: number
  readonly maxTokenChars: number
  readonly around: Around
  readonly aroundPair: AroundPair | undefined
  readonly pairTruncation: PairTruncation
  private readonly model: TextModel
  private readonly added: AddedTokens
  private readonly ids: Map<string, number>
  private readonly tokens: string[] = []
  private readonly special: ReadonlySet<number>

  constructor(
    parts: { files: TokenizerFiles; around: Around; aroundPair: AroundPair | undefined; model: TextModel },
    private readonly specialTokensInText: 'literal' | 'parse',
  ) {
    const { vocab, addedTokens, numIds } = parts.files
    this.vocabSize = numIds
    this.baseVocabSize = vocab.size
    this.around = parts.around
    this.aroundPair = parts.aroundPair
    this.pairTruncation = readPairTruncation(parts.files)
    this.model = parts.model
    this.added = new AddedTokens(addedTokens, (text) => parts.model.normalize(text))
    this.ids = new Map(vocab)
    for (const { content, id } of addedTokens) this.ids.set(content, id)
    for (const [token, id] of this.ids) this.tokens[id] = token
    this.maxTokenChars = this.tokens.reduce((longest, token) => Math.max(longest, token.length), 1)
    this.special = new Set(addedTokens.filter((token) => token.special).map((token) => token.id))
  }

  tokenId(token: string): number | undefined {
    return this.ids.get(token)
  }

  tokenText(id: number): string | undefined {
    return this.tokens[id]
  }

  isSpecial(id: number): boolean {
    return this.special.has(id)
  }

  encode(text: string | RichText, options: { addSpecialTokens?: boolean } = {}): number[] {
    const around = options.addSpecialTokens === true
    const ids: number[] = around ? [...this.around.before] : []
    for (const run of this.added.split(this.segments(text))) {
      if (typeof run === 'number') ids.push(run)
      else this.model.encode(run, ids)
    }
    if (around) ids.push(...this.around.after)
    return ids
  }

  decode(ids: readonly number[], options: { skipSpecialTokens?: boolean } = {}): string {
    const wanted = options.skipSpecialTokens === true ? ids.filter((id) => !this.isSpecial(id)) : ids
    return this.model.decode(wanted.map((id) => this.tokens[id] ?? unknownId(id, this.vocabSize)))
  }

  private segments(text: string | RichText): RichText {
    const segments: RichText = typeof text === 'string' ? [{ text, from: 'user' }] : text
    const parse = this.specialTokensInText === 'parse'
    return segments.map((segment) => ({
      text: withoutLoneSurrogates(segment.text),
      from: parse ? 'template' : segment.from,
    }))
  }
}

function unknownId(id: number, vocabSize: number): never {
  throw new QvlError('REQUEST_INVALID', {
    what: `Token id ${id} cannot be decoded.`,
    why: `The vocabulary has no such id; its ids are below ${vocabSize}.`,
    do: 'Use ids of this model.',
  })
}
