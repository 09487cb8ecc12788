// How byte-level BPE cuts a text into the pieces that it merges.

export interface TextSplit {
  /** Where the piece that starts at `start` ends. `text` has no lone surrogates and `start` is inside it. */
  next(text: string, start: number): number
}
