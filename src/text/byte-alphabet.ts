// The byte-level alphabet of GPT-2: every byte has a printable character that stands for it in vocabularies.

/** Characters by byte: printable Latin-1 stands for itself, the others are shifted to U+0100 and up. */
export function byteAlphabet(): string[] {
  const isPlain = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || (byte >= 0xae && byte <= 0xff)
  let shifted = 0x100
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPlain(byte) ? byte : shifted++))
}
