// The checkpoint's own tokenizer: text to ids, without letting user text become special tokens.

import type { RichText } from './rich-text.js'

export interface TokenizerOptions {
  /**
   * What strings such as `<|im_end|>` inside user text become. `literal` (default): plain characters. `parse`: special
   * tokens, as the reference implementation does; only for comparing with it.
   */
  specialTokensInText?: 'literal' | 'parse'
}

export interface Tokenizer {
  /** Number of ids: one more than the highest. */
  readonly vocabSize: number
  /** What the post-processor puts around one sequence; `after` is [151643] for Qwen3-Embedding, empty for rerankers. */
  readonly around: { readonly before: readonly number[]; readonly after: readonly number[] }
  /** The id of one token by its exact text, such as `yes` or `<|im_end|>`. */
  tokenId(token: string): number | undefined
  /** Whether the id is an added token marked special (`<think>` is added but not special). */
  isSpecial(id: number): boolean
  /**
   * Ids of a text; a plain string is user text. The whole text is tokenised at once, so merges across segments happen,
   * but not across special tokens. `addSpecialTokens` (default false) applies the post-processor.
   */
  encode(text: string | RichText, options?: { addSpecialTokens?: boolean }): number[]
  decode(ids: readonly number[], options?: { skipSpecialTokens?: boolean }): string
}

/** Open the tokenizer of a checkpoint folder (tokenizer.json, tokenizer_config.json). Throws TOKENIZER_INVALID. */
export declare function openTokenizer(dir: string, options?: TokenizerOptions): Promise<Tokenizer>
