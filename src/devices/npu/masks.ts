// Who sees whom in padded sequences, as numbers added to scores. Each mask is computed once and used by all layers.

import { int, type OnnxGraph } from '../onnx/model.js'
import type { GearDim, PaddedFeed } from './layout.js'

/** The lowest number of float16, in which some chips compute; no score comes near it. */
const unseen = -65_504

type Declare = (name: string, dims: readonly GearDim[], feed: PaddedFeed) => string

export class Masks {
  readonly #graph: OnnxGraph
  readonly #declare: Declare
  readonly #made = new Map<string, string>()

  /** `declare` makes an int32 input of the graph, or finds it. */
  constructor(graph: OnnxGraph, declare: Declare) {
    this.#graph = graph
    this.#declare = declare
  }

  /**
   * A row sees what came before it. Padding comes after all rows, so nothing else hides it. The queries of `group` heads
   * stand one after another: [group · rows, rows], or with the name of the pooled rows [sequences, 1, group · pooled, rows].
   */
  causal(group: number, pooled: string | undefined): string {
    const g = this.#graph
    return this.#once(`causal ${group} ${pooled}`, () => {
      const hidden = pooled === undefined ? this.#afterEachRow() : this.#afterEachPooled(pooled)
      const one = this.#numbers(hidden)
      return group === 1 ? one : g.op('Concat', Array<string>(group).fill(one), { axis: int(-2) })
    })
  }

  /** Every row sees all rows of its sequence: [sequences, 1, 1, rows]. */
  lengths(): string {
    const g = this.#graph
    return this.#once('lengths', () => {
      const lengths = this.#declare('lengths', ['sequences'], { kind: 'lengths' })
      const within = g.op('Less', [this.#order(), g.op('Reshape', [lengths, g.shape(-1, 1)])])
      const hidden = g.op('Not', [within])
      return g.op('Unsqueeze', [this.#numbers(hidden), g.shape(1, 2)])
    })
  }

  /** [rows, rows] */
  #afterEachRow(): string {
    const g = this.#graph
    const order = this.#order()
    return g.op('Greater', [order, g.op('Reshape', [order, g.shape(-1, 1)])])
  }

  /** [sequences, 1, pooled, rows] */
  #afterEachPooled(input: string): string {
    const g = this.#graph
    const at = this.#declare('pooledAt', ['sequences', 'pooled'], { kind: 'pooledAt', input })
    return g.op('Greater', [this.#order(), g.op('Unsqueeze', [at, g.shape(1, 3)])])
  }

  #order(): string {
    return this.#declare('order', ['rows'], { kind: 'order' })
  }

  #numbers(hidden: string): string {
    return this.#graph.op('Where', [hidden, this.#graph.scalar(unseen), this.#graph.scalar(0)])
  }

  #once(key: string, make: () => string): string {
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const made = make()
    this.#made.set(key, made)
    return made
  }
}
