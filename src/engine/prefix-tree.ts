// The prefix tree of a batch: token sequences go in, packed rows come out in which every shared prefix stands once.

import type { Span } from '../program/program.js'
import type { PackedRows } from '../program/rows.js'

/**
 * A run is cut only behind this many shared tokens. Fewer, such as the one word that two sentences happen to start
 * with, would chop spans into pieces and save nothing.
 */
export const MIN_SHARED_TOKENS = 16

/** One run of tokens; the path from a root to a node spells a prefix. */
interface Node {
  tokens: Int32Array
  /** Tokens before this node. */
  depth: number
  /** By first token. */
  children: Map<number, Node[]>
  /** The sequences that end here, and after how many of this node's tokens (at least 1). */
  ends: { sequence: number; after: number }[]
}

/** Where a sequence leaves the tree. */
interface Path {
  siblings: Map<number, Node[]>
  /** The last node entered, and how many of its tokens agreed. */
  node: Node | undefined
  inNode: number
  /** Tokens that agreed on the whole path. */
  matched: number
}

export class PrefixTree {
  readonly #share: boolean
  readonly #roots: Map<number, Node[]> = new Map()
  #rows = 0
  #size = 0

  /** `share` has to be false for bidirectional models, where a token's value depends on what follows it. */
  constructor(options: { share: boolean }) {
    this.#share = options.share
  }

  /** Rows that have to be computed for all sequences so far. */
  get rows(): number {
    return this.#rows
  }

  /** How many of a sequence's tokens are in the tree already. */
  sharedTokens(ids: Int32Array): number {
    return this.#follow(ids).matched
  }

  /** Add a sequence of at least one token; answers how many of its tokens were there already. */
  add(ids: Int32Array): number {
    const sequence = this.#size++
    const { siblings, node, inNode, matched } = this.#follow(ids)
    if (matched === ids.length) {
      node!.ends.push({ sequence, after: inNode })
      return matched
    }
    if (node !== undefined && inNode < node.tokens.length) split(node, inNode)
    const rest = ids.subarray(matched)
    const leaf = { tokens: rest, depth: matched, children: new Map(), ends: [{ sequence, after: rest.length }] }
    insert(node?.children ?? siblings, leaf)
    this.#rows += rest.length
    return matched
  }

  /** Rows in depth-first order, so that every span comes after its chain. `pooled` is in the order of `add`. */
  pack(): PackedRows {
    const ids = new Int32Array(this.#rows)
    const positions = new Int32Array(this.#rows)
    const pooled = new Int32Array(this.#size)
    const spans: Span[] = []
    let start = 0
    const place = (node: Node, chain: readonly number[]): void => {
      ids.set(node.tokens, start)
      for (let i = 0; i < node.tokens.length; i++) positions[start + i] = node.depth + i
      for (const { sequence, after } of node.ends) pooled[sequence] = start + after - 1
      spans.push({ start, rows: node.tokens.length, chain })
      start += node.tokens.length
      const extended = [...chain, spans.length - 1]
      for (const child of [...node.children.values()].flat()) place(child, extended)
    }
    for (const root of [...this.#roots.values()].flat()) place(root, [])
    return { ids, positions, spans, pooled }
  }

  /** Walk down, always into the child that agrees longest. */
  #follow(ids: Int32Array): Path {
    const path: Path = { siblings: this.#roots, node: undefined, inNode: 0, matched: 0 }
    while (this.#share && path.matched < ids.length) {
      const next = bestChild(path.siblings, ids, path.matched)
      if (next === undefined) break
      path.node = next.child
      path.inNode = next.length
      path.matched += next.length
      if (next.length < next.child.tokens.length) break
      path.siblings = next.child.children
    }
    return path
  }
}

/** Going into a child is free when it agrees to its end or to the sequence's end; otherwise it would have to be cut. */
function bestChild(
  siblings: ReadonlyMap<number, Node[]>,
  ids: Int32Array,
  from: number,
): { child: Node; length: number } | undefined {
  let best: { child: Node; length: number } | undefined
  for (const child of siblings.get(ids[from]!) ?? []) {
    const length = commonLength(child.tokens, ids, from)
    const free = length === child.tokens.length || length === ids.length - from
    if ((free || length >= MIN_SHARED_TOKENS) && length > (best?.length ?? 0)) best = { child, length }
  }
  return best
}

function insert(siblings: Map<number, Node[]>, node: Node): void {
  const first = node.tokens[0]!
  const others = siblings.get(first)
  if (others === undefined) siblings.set(first, [node])
  else others.push(node)
}

/** Cut a node after `at` tokens; what follows becomes its only child. */
function split(node: Node, at: number): void {
  const rest: Node = {
    tokens: node.tokens.subarray(at),
    depth: node.depth + at,
    children: node.children,
    ends: node.ends.filter(({ after }) => after > at).map(({ sequence, after }) => ({ sequence, after: after - at })),
  }
  node.tokens = node.tokens.subarray(0, at)
  node.ends = node.ends.filter(({ after }) => after <= at)
  node.children = new Map()
  insert(node.children, rest)
}

function commonLength(tokens: Int32Array, ids: Int32Array, from: number): number {
  const end = Math.min(tokens.length, ids.length - from)
  let length = 0
  while (length < end && tokens[length] === ids[from + length]) length++
  return length
}
