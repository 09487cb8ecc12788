import { describe, expect, it } from 'vitest'
import { MIN_SHARED_TOKENS } from '#qvl/engine/prefix-match.js'
import { PrefixTree } from '#qvl/engine/prefix-tree.js'
import { random } from '../support/random.js'

const ids = (...tokens: number[]): Int32Array => Int32Array.from(tokens)
const run = (start: number, length: number): number[] => Array.from({ length }, (_, i) => start + i)

function treeOf(sequences: Int32Array[], share = true): { tree: PrefixTree; shared: number[] } {
  const tree = new PrefixTree({ share })
  return { tree, shared: sequences.map((sequence) => tree.add(sequence)) }
}

/** Spell the sequence that ends at a packed row, following the chain of its span. */
function spell(tree: PrefixTree, row: number): number[] {
  const packed = tree.pack()
  const span = packed.spans.find((candidate) => row >= candidate.start && row < candidate.start + candidate.rows)!
  const before = span.chain.flatMap((ancestor) => {
    const { start, rows } = packed.spans[ancestor]!
    return [...packed.ids.subarray(start, start + rows)]
  })
  return [...before, ...packed.ids.subarray(span.start, row + 1)]
}

describe('the prefix tree of a batch', () => {
  const query = run(100, 40)
  const cases: { name: string; sequences: Int32Array[]; rows: number; shared: number[] }[] = [
    { name: 'one sequence', sequences: [ids(1, 2, 3)], rows: 3, shared: [0] },
    { name: 'nothing in common', sequences: [ids(1, 2), ids(3, 4)], rows: 4, shared: [0, 0] },
    { name: 'equal sequences', sequences: [ids(1, 2, 3), ids(1, 2, 3)], rows: 3, shared: [0, 3] },
    { name: 'a prefix too short to share', sequences: [ids(1, 2, 3), ids(1, 2, 4)], rows: 6, shared: [0, 0] },
    {
      name: 'one query, two documents',
      sequences: [ids(...query, 1, 2), ids(...query, 3)],
      rows: 43,
      shared: [0, 40],
    },
    {
      name: 'a sequence that is a prefix of another, added after it',
      sequences: [ids(...query, 1, 2), ids(...query)],
      rows: 42,
      shared: [0, 40],
    },
    {
      name: 'a sequence that is a prefix of another, added before it',
      sequences: [ids(...query), ids(...query, 1, 2)],
      rows: 42,
      shared: [0, 40],
    },
    {
      name: 'two levels',
      sequences: [
        ids(...query, ...run(500, 20), 1),
        ids(...query, ...run(500, 20), 2),
        ids(...query, ...run(600, 20), 3),
      ],
      rows: 40 + 20 + 1 + 1 + 21,
      shared: [0, 60, 40],
    },
  ]

  it.each(cases)('$name', ({ sequences, rows, shared }) => {
    const built = treeOf(sequences)
    expect(built.shared).toEqual(shared)
    expect(built.tree.rows).toBe(rows)
    const packed = built.tree.pack()
    expect(packed.ids.length).toBe(rows)
    for (const [index, row] of packed.pooled.entries()) expect(spell(built.tree, row)).toEqual([...sequences[index]!])
  })

  it('shares nothing where rows see what follows them', () => {
    const { tree, shared } = treeOf([ids(...query), ids(...query)], false)
    expect(shared).toEqual([0, 0])
    expect(tree.pack().spans.map((span) => span.chain)).toEqual([[], []])
    expect([...tree.pack().pooled]).toEqual([39, 79])
  })

  it('spells every sequence again, whatever the sequences', () => {
    const next = random(7)
    for (let round = 0; round < 200; round++) {
      const sequences = Array.from({ length: 1 + (next() % 12) }, () => {
        const stem = run(1000 * (next() % 2), next() % (3 * MIN_SHARED_TOKENS))
        const tail = Array.from({ length: 1 + (next() % 20) }, () => next() % 3)
        return ids(...stem, ...tail)
      })
      const { tree, shared } = treeOf(sequences)
      const packed = tree.pack()
      for (const [index, row] of packed.pooled.entries()) expect(spell(tree, row)).toEqual([...sequences[index]!])
      const total = sequences.reduce((sum, sequence) => sum + sequence.length, 0)
      expect(tree.rows).toBe(total - shared.reduce((sum, tokens) => sum + tokens, 0))
      packed.spans.forEach((span, index) => {
        const before = span.chain.reduce((sum, ancestor) => sum + packed.spans[ancestor]!.rows, 0)
        expect(packed.positions[span.start]).toBe(before)
        for (const ancestor of span.chain) expect(ancestor).toBeLessThan(index)
      })
    }
  })

  it('pools the row that is asked for, and marks the second text of a pair', () => {
    const tree = new PrefixTree({ share: false })
    tree.add(ids(1, 2, 3, 4), { pool: 'first', secondFrom: 2 })
    tree.add(ids(5, 6, 7), { pool: 'all' })
    tree.add(ids(8, 9), { pool: 'last', secondFrom: 1 })
    tree.add(ids(1, 2), { pool: 'first' })
    // Those that begin with the same token stand together.
    const { pooled, types } = tree.pack()
    expect([...pooled]).toEqual([0, 6, 7, 8, 10, 4])
    expect([...types!]).toEqual([0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1])
  })

  it('has no token types where no sequence is a pair', () => {
    const { tree } = treeOf([ids(1, 2)], false)
    expect(tree.pack().types).toBeUndefined()
  })
})
