// Writes protocol buffers: a message is a list of fields, each a tag (number and wire type) and a value.

/** Wire types of the protocol buffers encoding. */
const wireType = { varint: 0, lengthDelimited: 2, fixed32: 5 } as const

const utf8 = new TextEncoder()

export class ProtoMessage {
  readonly #chunks: Uint8Array[] = []
  #size = 0

  /** An int32, int64 or enum. Negative numbers take ten bytes, as the encoding asks. */
  int(field: number, value: number | bigint): this {
    this.#tag(field, wireType.varint)
    this.#push(varint(BigInt.asUintN(64, BigInt(value))))
    return this
  }

  float(field: number, value: number): this {
    this.#tag(field, wireType.fixed32)
    const bytes = new Uint8Array(4)
    new DataView(bytes.buffer).setFloat32(0, value, true)
    this.#push(bytes)
    return this
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8.encode(value))
  }

  /** The bytes are kept by reference until `encode`. */
  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, wireType.lengthDelimited)
    this.#push(varint(BigInt(value.length)))
    this.#push(value)
    return this
  }

  message(field: number, value: ProtoMessage): this {
    this.#tag(field, wireType.lengthDelimited)
    this.#push(varint(BigInt(value.#size)))
    for (const chunk of value.#chunks) this.#push(chunk)
    return this
  }

  messages(field: number, values: Iterable<ProtoMessage>): this {
    for (const value of values) this.message(field, value)
    return this
  }

  encode(): Uint8Array {
    const encoded = new Uint8Array(this.#size)
    let at = 0
    for (const chunk of this.#chunks) {
      encoded.set(chunk, at)
      at += chunk.length
    }
    return encoded
  }

  #tag(field: number, type: number): void {
    this.#push(varint(BigInt((field << 3) | type)))
  }

  #push(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
  }
}

/** Seven bits per byte, least significant first; the high bit says that more follow. */
function varint(value: bigint): Uint8Array {
  const bytes: number[] = []
  let rest = value
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Uint8Array.from(bytes)
}
