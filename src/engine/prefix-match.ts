// How far a token sequence agrees with what a prefix tree has, and whether going along with it is worth a cut.

/**
 * A run is cut only behind this many shared tokens. Fewer, such as the one word that two sentences happen to start
 * with, would chop spans into pieces and save nothing.
 */
export const MIN_SHARED_TOKENS = 16

export interface Match<Node> {
  child: Node
  /** Tokens that agree. */
  length: number
}

/**
 * The child that agrees longest with the ids at `from`. Going into one is free when it agrees to its end or to the
 * sequence's end; otherwise it would have to be cut.
 */
export function bestMatch<Node extends { tokens: Int32Array }>(
  children: readonly Node[] = [],
  ids: Int32Array,
  from: number,
): Match<Node> | undefined {
  let best: Match<Node> | undefined
  for (const child of children) {
    const length = commonLength(child.tokens, ids, from)
    const free = length === child.tokens.length || length === ids.length - from
    if ((free || length >= MIN_SHARED_TOKENS) && length > (best?.length ?? 0)) best = { child, length }
  }
  return best
}

function commonLength(tokens: Int32Array, ids: Int32Array, from: number): number {
  const end = Math.min(tokens.length, ids.length - from)
  let length = 0
  while (length < end && tokens[length] === ids[from + length]) length++
  return length
}
