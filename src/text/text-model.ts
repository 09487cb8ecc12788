// What a tokenizer does with plain text, once added tokens are out of it.

export interface TextModel {
  /** Appends the ids of `text` to `into`. */
  encode(text: string, into: number[]): void
  /** The text that tokens stand for; invalid UTF-8 becomes U+FFFD. */
  decode(tokens: readonly string[]): string
  /** The normalised form in which added tokens marked `normalized` are looked for. */
  normalize(text: string): string
}
