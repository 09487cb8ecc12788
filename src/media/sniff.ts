// What a file is by its first bytes: names and Content-Type headers lie.

import { QvlError } from '../errors.js'

/** Formats that are decoded. The list is short on purpose: each decoder is a way in (CVE-2026-22778 came through JPEG 2000). */
export type ImageFormat = 'png' | 'jpeg' | 'webp' | 'gif'

const ascii = (text: string): number[] => [...text].map((letter) => letter.charCodeAt(0))

interface Signature {
  name: string
  at: number
  bytes: readonly number[]
}

const decoded: readonly (Signature & { name: ImageFormat })[] = [
  { name: 'png', at: 0, bytes: [0x89, ...ascii('PNG\r\n'), 0x1a, 0x0a] },
  { name: 'jpeg', at: 0, bytes: [0xff, 0xd8, 0xff] },
  { name: 'webp', at: 8, bytes: ascii('WEBP') },
  { name: 'gif', at: 0, bytes: ascii('GIF8') },
]

/** Known well enough to say what they are instead of "not an image". */
const known: readonly Signature[] = [
  { name: 'a BMP image', at: 0, bytes: ascii('BM') },
  { name: 'a TIFF image', at: 0, bytes: [...ascii('II'), 42, 0] },
  { name: 'a TIFF image', at: 0, bytes: [...ascii('MM'), 0, 42] },
  { name: 'an AVIF or HEIC image, or an MP4 video', at: 4, bytes: ascii('ftyp') },
  { name: 'a JPEG 2000 image', at: 4, bytes: ascii('jP  ') },
  { name: 'a PDF document', at: 0, bytes: ascii('%PDF') },
  { name: 'an SVG or XML document', at: 0, bytes: ascii('<svg') },
  { name: 'an SVG or XML document', at: 0, bytes: ascii('<?xml') },
]

/** What servers send in place of an image that they do not have. */
const pages: readonly Signature[] = [
  { name: 'an HTML page', at: 0, bytes: ascii('<!') },
  { name: 'an HTML page', at: 0, bytes: ascii('<html') },
]

/** Throws MEDIA_FORMAT for formats that are not decoded, and MEDIA_INVALID for what is no image at all. */
export function imageFormat(bytes: Uint8Array): ImageFormat {
  const found = decoded.find((signature) => matches(bytes, signature))
  if (found !== undefined) return found.name
  const other = known.find((signature) => matches(bytes, signature))
  const allowed = 'Send a PNG, JPEG, WebP or GIF image.'
  if (other !== undefined) {
    const why = `Its first bytes say that it is ${other.name}, which is not decoded.`
    throw new QvlError('MEDIA_FORMAT', { what: 'The image cannot be read.', why, do: allowed })
  }
  const why = bytes.length === 0 ? 'It is empty.' : `Its first bytes are those of ${whatElse(bytes)}.`
  throw new QvlError('MEDIA_INVALID', { what: 'The image cannot be read.', why, do: allowed })
}

const whatElse = (bytes: Uint8Array): string =>
  pages.find((signature) => matches(bytes, signature))?.name ?? 'no image format'

const matches = (file: Uint8Array, { at, bytes }: Signature): boolean =>
  bytes.every((byte, index) => file[at + index] === byte)
