// The prefix tree of a batch: token sequences go in, packed rows come out in which every shared prefix stands once.

import type { Span } from '../program/program.js'
import type { PackedRows } from '../program/rows.js'
import type { KeptPlace, KeptPrefix, PrefixCache } from './prefix-cache.js'
import { bestMatch, MIN_SHARED_TOKENS } from './prefix-match.js'
import type { Sequence } from './requests.js'
import { featuresWithin, type PlacedFeatures, type ResolvedVisuals } from './visual-rows.js'

/** A sequence as the tree takes it. */
export interface TreeSequence extends Omit<Sequence, 'visuals'> {
  /** Its images, where it has any. */
  visual?: ResolvedVisuals | undefined
  /** Only sequences with the same salt share prefixes. */
  cacheSalt?: string | undefined
}

/** One run of tokens; the path from a root to a node spells a prefix. */
interface Node {
  tokens: Int32Array
  /** Tokens before this node. */
  depth: number
  children: Children
  /** The sequences that end here, and after how many of this node's tokens (at least 1). */
  ends: { sequence: number; after: number }[]
  /** All of it is what prompts of other requests are likely to begin with too. */
  isPrefix: boolean
  /** The sequence that brought these tokens; its other facts hold for them too. */
  source: Facts
}

type Facts = Pick<TreeSequence, 'secondFrom' | 'visual'>

/** By first token; several may begin alike, since a short common start is not worth a node. */
type Children = Map<number, Node[]>

/** Sequences that begin at the same place. */
interface Base {
  base: KeptPrefix | undefined
  salt: string | undefined
  roots: Children
}

/** Where a sequence leaves the tree. */
export interface Place {
  ids: Int32Array
  /** What earlier batches computed of it. */
  base: KeptPrefix | undefined
  siblings: Children
  /** The last node entered, and how many of its tokens agreed. */
  node: Node | undefined
  inNode: number
  /** Tokens that are there already, those of the base included. */
  matched: number
}

export class PrefixTree {
  readonly #share: boolean
  /** The roots of sequences that build on the same kept prefix; those that build on none are told apart by their salt. */
  readonly #bases = new Map<string, Base>()
  /** How many rows each sequence pools: one, or all. */
  readonly #numPooled: number[] = []
  /** The sequences that pool their first row. */
  readonly #poolsFirst = new Set<number>()
  #rows = 0

  /** `share` has to be false for bidirectional models, where a token's value depends on what follows it. */
  constructor(options: { share: boolean }) {
    this.#share = options.share
  }

  /** Rows that have to be computed for all sequences so far. */
  get rows(): number {
    return this.#rows
  }

  /** Walk down, always into the child that agrees longest. The place is good until the next insertion. */
  find(ids: Int32Array, base?: KeptPrefix, salt?: string): Place {
    const siblings = this.#rootsOf(base, salt)
    const place: Place = { ids, base, siblings, node: undefined, inNode: 0, matched: base?.tokens ?? 0 }
    while (this.#share && place.matched < ids.length) {
      const next = bestMatch(place.siblings.get(ids[place.matched]!), ids, place.matched)
      if (next === undefined) break
      place.node = next.child
      place.inNode = next.length
      place.matched += next.length
      if (next.length < next.child.tokens.length) break
      place.siblings = next.child.children
    }
    return place
  }

  /** Add a sequence of at least one token; answers how many of its tokens were there already. */
  insert(place: Place, { pool, prefixTokens, secondFrom, visual }: Omit<TreeSequence, 'ids' | 'cacheSalt'>): number {
    const { ids, node, inNode, siblings, matched } = place
    const sequence = this.#numPooled.push(pool === 'all' ? ids.length : 1) - 1
    if (pool === 'first') this.#poolsFirst.add(sequence)
    if (matched === ids.length) {
      node!.ends.push({ sequence, after: inNode })
      return matched
    }
    if (node !== undefined && inNode < node.tokens.length) split(node, inNode)
    // A prefix is a node of its own, since only whole spans are kept.
    const ownPrefix = prefixTokens < matched + MIN_SHARED_TOKENS ? 0 : prefixTokens - matched
    const ends = [0, ownPrefix, ids.length - matched].filter((end, index, all) => end !== all[index - 1])
    let children = node?.children ?? siblings
    for (let part = 1; part < ends.length; part++) {
      const [start, end] = [matched + ends[part - 1]!, matched + ends[part]!]
      const isLast = part === ends.length - 1
      const leaf: Node = {
        tokens: ids.subarray(start, end),
        depth: start,
        children: new Map(),
        ends: isLast ? [{ sequence, after: end - start }] : [],
        isPrefix: end <= matched + ownPrefix,
        source: { secondFrom, visual },
      }
      insert(children, leaf)
      children = leaf.children
    }
    this.#rows += ids.length - matched
    return matched
  }

  /** `find` and `insert` in one. */
  add(ids: Int32Array, { pool = 'last', prefixTokens = 0, ...rest }: Partial<Omit<TreeSequence, 'ids'>> = {}): number {
    return this.insert(this.find(ids), { pool, prefixTokens, ...rest })
  }

  /**
   * Rows in depth-first order, so that every span comes after its chain. `pooled` is in the order of insertion, all rows
   * of a sequence from its first. With a cache, prefixes are marked to be kept.
   */
  pack(cache?: PrefixCache): PackedTree {
    const packing = new Packing(this.#rows, { numPooled: this.#numPooled, poolsFirst: this.#poolsFirst, cache })
    // A sequence that was looked up and not inserted leaves no roots.
    for (const base of this.#bases.values()) if (base.roots.size > 0) packing.place(base)
    return { ...packing.rows, features: packing.features }
  }

  #rootsOf(base: KeptPrefix | undefined, salt: string | undefined): Children {
    const key = base === undefined ? `salt ${salt ?? ''}` : `base ${base.key}`
    const known = this.#bases.get(key)
    if (known !== undefined) return known.roots
    const roots: Children = new Map()
    this.#bases.set(key, { base, salt, roots })
    return roots
  }
}

export interface PackedTree extends PackedRows {
  /** Image features and the rows they go to. */
  features: readonly PlacedFeatures[]
}

interface PackingOptions {
  numPooled: readonly number[]
  poolsFirst: ReadonlySet<number>
  cache: PrefixCache | undefined
}

/** Lays out a tree once. */
class Packing {
  readonly #cache: PrefixCache | undefined
  readonly #ids: Int32Array
  readonly #positions: Int32Array
  /** Made for the first pair that tells its texts apart. */
  #types: Int32Array | undefined
  /** Made for the first sequence with an image; until then all axes are equal. */
  #axes: { height: Int32Array; width: Int32Array } | undefined
  readonly features: PlacedFeatures[] = []
  readonly #pooled: Int32Array
  readonly #poolsFirst: ReadonlySet<number>
  readonly #firstPooled: readonly number[]
  readonly #numPooled: readonly number[]
  readonly #spans: Span[] = []
  #start = 0

  constructor(rows: number, { numPooled, poolsFirst, cache }: PackingOptions) {
    this.#cache = cache
    this.#poolsFirst = poolsFirst
    this.#ids = new Int32Array(rows)
    this.#positions = new Int32Array(rows)
    this.#numPooled = numPooled
    let next = 0
    this.#firstPooled = numPooled.map((count) => {
      next += count
      return next - count
    })
    this.#pooled = new Int32Array(next)
  }

  get rows(): PackedRows {
    const types = this.#types && { types: this.#types }
    const axes = this.#axes && { axes: this.#axes }
    return { ids: this.#ids, positions: this.#positions, ...axes, ...types, spans: this.#spans, pooled: this.#pooled }
  }

  place({ base, salt, roots }: Base): void {
    const chain = (base?.spans ?? []).map(({ kept, rows }) => this.#spans.push({ start: 0, rows, chain: [], kept }) - 1)
    const parent = base?.place ?? this.#cache?.rootOf(salt)
    for (const root of [...roots.values()].flat()) this.#place(root, chain, parent)
  }

  /** `parent` is where the node would stand in the cache; undefined when what comes before it is not kept. */
  #place(node: Node, chain: readonly number[], parent: KeptPlace | undefined): void {
    const { tokens, depth, ends, children, source } = node
    const start = this.#start
    // An image token's row is replaced, so any id will do.
    for (let i = 0; i < tokens.length; i++) this.#ids[start + i] = Math.max(0, tokens[i]!)
    for (let i = 0; i < tokens.length; i++) this.#positions[start + i] = depth + i
    this.#placeFacts(node, start, source)
    const kept = node.isPrefix && parent !== undefined ? this.#cache?.keep(parent, tokens) : undefined
    this.#spans.push({ start, rows: tokens.length, chain, ...(kept && { keep: kept.id }) })
    this.#start += tokens.length
    const path = [...chain, this.#spans.length - 1]
    for (const { sequence, after } of ends) this.#pool(sequence, path, after)
    for (const child of [...children.values()].flat()) this.#place(child, path, kept?.place)
  }

  #placeFacts({ tokens, depth }: Node, start: number, { secondFrom, visual }: Facts): void {
    const end = start + tokens.length
    if (secondFrom !== undefined) this.#markSecond(start + Math.max(0, secondFrom - depth), end)
    if (visual === undefined) {
      this.#axes?.height.set(this.#positions.subarray(start, end), start)
      this.#axes?.width.set(this.#positions.subarray(start, end), start)
      return
    }
    this.#axes ??= { height: this.#positions.slice(), width: this.#positions.slice() }
    const { time, height, width } = visual.positions
    this.#positions.set(time.subarray(depth, depth + tokens.length), start)
    this.#axes.height.set(height.subarray(depth, depth + tokens.length), start)
    this.#axes.width.set(width.subarray(depth, depth + tokens.length), start)
    this.features.push(...featuresWithin(visual.blocks, { from: depth, count: tokens.length, at: start }))
  }

  #markSecond(start: number, end: number): void {
    this.#types ??= new Int32Array(this.#ids.length)
    if (start < end) this.#types.fill(1, start, end)
  }

  /** The last rows of a path that ends after `after` rows of its last span, or its first one. */
  #pool(sequence: number, path: readonly number[], after: number): void {
    const first = this.#firstPooled[sequence]!
    if (this.#poolsFirst.has(sequence)) {
      this.#pooled[first] = this.#spans[path[0]!]!.start
      return
    }
    let at = first + this.#numPooled[sequence]!
    for (let index = path.length - 1; index >= 0 && at > first; index--) {
      const { start, rows } = this.#spans[path[index]!]!
      const end = start + (index === path.length - 1 ? after : rows)
      for (let row = end - 1; row >= start && at > first; row--) this.#pooled[--at] = row
    }
  }
}

function insert(siblings: Children, node: Node): void {
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
    isPrefix: node.isPrefix,
    source: node.source,
  }
  node.tokens = node.tokens.subarray(0, at)
  node.ends = node.ends.filter(({ after }) => after <= at)
  node.children = new Map()
  insert(node.children, rest)
}
