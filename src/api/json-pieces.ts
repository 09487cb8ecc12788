// JSON text made piece by piece, so that an answer of many megabytes is never one string.

/** Smaller pieces are joined up to about this length: a write for every few bytes would cost more than the bytes. */
const minPieceLength = 16 * 1024

/** A JSON value that is written when it is read. `JSON.stringify` and `toString` give the same text as the pieces. */
export class JsonPieces implements Iterable<string> {
  readonly #make: () => Iterable<string>

  /** @param make starts from the beginning each time. It must not throw: what can fail is checked before. */
  constructor(make: () => Iterable<string>) {
    this.#make = make
  }

  *[Symbol.iterator](): Generator<string, void, undefined> {
    let pending = ''
    for (const piece of this.#make()) {
      pending += piece
      if (pending.length < minPieceLength) continue
      yield pending
      pending = ''
    }
    if (pending !== '') yield pending
  }

  toString(): string {
    return [...this.#make()].join('')
  }

  toJSON(): unknown {
    return JSON.parse(this.toString())
  }
}

/** Pieces of a list without its brackets; each element may have several. */
export function* listed<Item>(
  items: Iterable<Item>,
  render: (item: Item, index: number) => Iterable<string>,
): Generator<string, void, undefined> {
  let index = 0
  for (const item of items) {
    if (index > 0) yield ','
    yield* render(item, index)
    index++
  }
}
