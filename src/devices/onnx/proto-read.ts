// Reads protocol buffers: the fields of one message, in order.

export interface WireField {
  field: number
  /** A varint, or the bytes of everything else. */
  value: bigint | Uint8Array
}

/** Throws RangeError for bytes that are no message. */
export function readFields(bytes: Uint8Array): WireField[] {
  const reader = new Reader(bytes)
  const fields: WireField[] = []
  while (!reader.atEnd) {
    const tag = Number(reader.varint())
    fields.push({ field: tag >>> 3, value: reader.value(tag & 7) })
  }
  return fields
}

class Reader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  value(wireType: number): bigint | Uint8Array {
    switch (wireType) {
      case 0:
        return this.varint()
      case 1:
        return this.#take(8)
      case 2:
        return this.#take(Number(this.varint()))
      case 5:
        return this.#take(4)
      default:
        throw new RangeError(`wire type ${wireType}`)
    }
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asIntN(64, value)
    }
    throw new RangeError('a number without an end')
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#bytes.length || length < 0) throw new RangeError(`${length} bytes beyond the end`)
    const taken = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return taken
  }
}
