// The client's tokenizer as vLLM's benchmark uses it: special tokens in a text are special, as in transformers.

import { openTokenizer, type Tokenizer } from '../../text/tokenizer.js'
import { type ChatTemplate, readTokenizerTemplate } from './chat-template.js'

export interface BenchTokenizer {
  /** Ids below it may be drawn; transformers' vocab_size. */
  readonly vocabSize: number
  /** The ids below vocabSize that are not special, ascending. */
  readonly allowedIds: Int32Array
  /** How many tokens the tokenizer puts around a text. */
  readonly numSpecialTokens: number
  /** Ids of a text, nothing around it. */
  encode(text: string): number[]
  decode(ids: readonly number[]): string
  /** Tokens of a text and of what goes around it. */
  count(text: string): number
  /** A text as the one message of a user. Throws USAGE without a chat template, and TEMPLATE_INVALID. */
  chatPrompt(text: string, kwargs?: Readonly<Record<string, unknown>>): string
}

/** The tokenizer in a folder with tokenizer.json. Throws CHECKPOINT_FILE_MISSING, TOKENIZER_INVALID, TEMPLATE_INVALID. */
export async function openBenchTokenizer(dir: string): Promise<BenchTokenizer> {
  const tokenizer = await openTokenizer(dir, { specialTokensInText: 'parse' })
  return new FolderTokenizer(tokenizer, await readTokenizerTemplate(dir))
}

class FolderTokenizer implements BenchTokenizer {
  readonly vocabSize: number
  readonly allowedIds: Int32Array
  readonly numSpecialTokens: number

  constructor(
    private readonly tokenizer: Tokenizer,
    private readonly template: ChatTemplate,
  ) {
    const { baseVocabSize, around } = tokenizer
    this.vocabSize = baseVocabSize
    this.allowedIds = Int32Array.from({ length: baseVocabSize }, (_, id) => id).filter((id) => !tokenizer.isSpecial(id))
    this.numSpecialTokens = around.before.length + around.after.length
  }

  encode(text: string): number[] {
    return this.tokenizer.encode(text)
  }

  decode(ids: readonly number[]): string {
    return this.tokenizer.decode(ids)
  }

  count(text: string): number {
    return this.tokenizer.encode(text).length + this.numSpecialTokens
  }

  chatPrompt(text: string, kwargs: Readonly<Record<string, unknown>> = {}): string {
    return this.template(text, kwargs)
  }
}
