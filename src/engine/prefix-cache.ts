// The kept prefixes: which token prefixes of recent prompts the device still holds, in a tree within a memory budget.

import type { KeptSpans } from '../devices/device.js'
import { bestMatch, MIN_SHARED_TOKENS } from './prefix-match.js'

/** Rows that the device keeps, from the first on. */
export interface KeptRows {
  kept: number
  rows: number
}

/** A place in the tree: after `depth` tokens, in or at the end of the node. */
export interface KeptPlace {
  node: Node
  depth: number
}

/** What the device holds of a sequence. */
export interface KeptPrefix {
  tokens: number
  /** The fewest kept spans that have these tokens, in order. */
  spans: readonly KeptRows[]
  place: KeptPlace
  /** The same for sequences that end their way in the same place. */
  key: string
}

/** A run of tokens whose rows are a part of one kept span. */
interface Node {
  readonly serial: number
  tokens: Int32Array
  /** Tokens before this node. */
  start: number
  parent: Node | undefined
  /** By first token; several may begin alike, as in the tree of a batch. */
  children: Map<number, Node[]>
  kept: Kept | undefined
  /** The batch that used it last. */
  usedBy: number
}

/** A span that the device keeps. */
interface Kept {
  id: number
  /** Tokens before its first row. */
  start: number
  bytes: number
  nodes: Set<Node>
}

/**
 * A batch first finds what it can use, then keeps what it computes. What it uses is not evicted by what it keeps. Batches
 * that were handed to the device before need no protection: runs are done in the order in which they are handed over, and
 * the device forgets a span only after them.
 */
export class PrefixCache {
  /** Where prompts without a salt begin. */
  readonly root: KeptPlace = newRoot()
  /** Where the others begin, by their salts. */
  readonly #salted = new Map<string, KeptPlace>()
  readonly #spans: KeptSpans
  readonly #maxBytes: number
  readonly #kept = new Map<number, Kept>()
  /** In the order of their last use, the oldest first; a node is always used after its descendants. */
  readonly #nodes = new Set<Node>()
  #usedBytes = 0
  #batch = 0
  #nextId = 1
  #nextSerial = 1

  constructor(spans: KeptSpans, maxBytes: number) {
    this.#spans = spans
    this.#maxBytes = maxBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get maxBytes(): number {
    return this.#maxBytes
  }

  /** From here on, finds and keeps are those of another batch. */
  beginBatch(): void {
    this.#batch++
    for (const [salt, { node }] of this.#salted) if (node.children.size === 0) this.#salted.delete(salt)
  }

  /** Where prompts with this salt begin: what is kept under one salt is never found under another. */
  rootOf(salt: string | undefined): KeptPlace {
    if (salt === undefined) return this.root
    const root = this.#salted.get(salt) ?? newRoot()
    this.#salted.set(salt, root)
    return root
  }

  /** The longest kept prefix within the first `maxTokens` ids, if it is long enough to be worth it. */
  find(ids: Int32Array, maxTokens: number, salt?: string): KeptPrefix | undefined {
    const wanted = ids.subarray(0, maxTokens)
    const place: KeptPlace = { ...this.rootOf(salt) }
    while (place.depth < wanted.length) {
      const next = bestMatch(place.node.children.get(wanted[place.depth]!), wanted, place.depth)
      if (next === undefined) break
      place.node = next.child
      place.depth += next.length
      if (next.length < next.child.tokens.length) break
    }
    if (place.depth < MIN_SHARED_TOKENS) return undefined
    this.#use(place.node)
    return { tokens: place.depth, spans: spansTo(place), place, key: `${place.node.serial}:${place.depth}` }
  }

  /**
   * Have the device keep the rows of these tokens, which come after `parent`. Undefined when there is no room for them.
   * The span is promised before it is computed; when its run fails, `drop` takes it back.
   */
  keep(parent: KeptPlace, tokens: Int32Array): { id: number; place: KeptPlace } | undefined {
    const bytes = this.#spans.bytes(tokens.length)
    if (tokens.length < MIN_SHARED_TOKENS || !this.#makeRoom(bytes)) return undefined
    const before = this.#endAt(parent)
    const kept: Kept = { id: this.#nextId++, start: parent.depth, bytes, nodes: new Set() }
    // Copied: the ids of a request may be a part of a large buffer.
    const node = this.#add(before, tokens.slice(), kept)
    this.#kept.set(kept.id, kept)
    this.#usedBytes += bytes
    this.#use(node)
    return { id: kept.id, place: { node, depth: parent.depth + tokens.length } }
  }

  /** Forget spans, and all that was kept on top of them. */
  drop(ids: readonly number[]): void {
    for (const id of ids) for (const node of this.#kept.get(id)?.nodes ?? []) this.#removeAll(node)
  }

  /** Evict what was not used for longest until so many bytes more fit. */
  #makeRoom(bytes: number): boolean {
    if (bytes > this.#maxBytes) return false
    while (this.#usedBytes + bytes > this.#maxBytes) {
      // A node is used after its descendants, so the oldest has none left.
      const [oldest] = this.#nodes
      if (oldest === undefined || oldest.usedBy === this.#batch) return false
      this.#remove(oldest)
    }
    return true
  }

  /** The node that ends at a place; one that goes on is cut there. */
  #endAt({ node, depth }: KeptPlace): Node {
    let at = node
    // A cut since the place was found has put the upper part into a node of its own.
    while (at.parent !== undefined && depth <= at.start) at = at.parent
    return depth < at.start + at.tokens.length ? this.#split(at, depth - at.start) : at
  }

  /** The upper part becomes a new node, so that places in the lower part stay good. */
  #split(lower: Node, at: number): Node {
    const { parent } = lower
    detach(lower)
    const upper = this.#add(parent!, lower.tokens.slice(0, at), lower.kept!)
    upper.usedBy = lower.usedBy
    lower.tokens = lower.tokens.slice(at)
    lower.start += at
    attach(upper, lower)
    return upper
  }

  #add(parent: Node, tokens: Int32Array, kept: Kept): Node {
    const node = newNode(this.#nextSerial++, tokens, kept)
    node.start = parent.start + parent.tokens.length
    attach(parent, node)
    kept.nodes.add(node)
    this.#nodes.add(node)
    return node
  }

  /** From the bottom up, so that a node stays younger than its descendants. */
  #use(node: Node): void {
    for (let at: Node | undefined = node; at?.kept !== undefined; at = at.parent) {
      at.usedBy = this.#batch
      this.#nodes.delete(at)
      this.#nodes.add(at)
    }
  }

  #removeAll(node: Node): void {
    for (const child of [...node.children.values()].flat()) this.#removeAll(child)
    this.#remove(node)
  }

  #remove(node: Node): void {
    const kept = node.kept!
    if (!this.#nodes.delete(node)) return
    detach(node)
    kept.nodes.delete(node)
    if (kept.nodes.size > 0) return
    this.#kept.delete(kept.id)
    this.#usedBytes -= kept.bytes
    this.#spans.forget(kept.id)
  }
}

/** Neighbouring parts of the same kept span count as one. */
function spansTo({ node, depth }: KeptPlace): KeptRows[] {
  const spans: KeptRows[] = []
  let end = depth
  for (let at: Node | undefined = node; at?.kept !== undefined; at = at.parent) {
    if (at.parent?.kept === at.kept) continue
    spans.unshift({ kept: at.kept.id, rows: end - at.kept.start })
    end = at.start
  }
  return spans
}

const newRoot = (): KeptPlace => ({ node: newNode(0, new Int32Array(0), undefined), depth: 0 })

function newNode(serial: number, tokens: Int32Array, kept: Kept | undefined): Node {
  return { serial, tokens, start: 0, parent: undefined, children: new Map(), kept, usedBy: 0 }
}

function attach(parent: Node, node: Node): void {
  node.parent = parent
  const first = node.tokens[0]!
  const others = parent.children.get(first)
  if (others === undefined) parent.children.set(first, [node])
  else others.push(node)
}

function detach(node: Node): void {
  const siblings = node.parent?.children
  const first = node.tokens[0]!
  const others = siblings?.get(first)?.filter((other) => other !== node) ?? []
  if (others.length > 0) siblings?.set(first, others)
  else siblings?.delete(first)
}
