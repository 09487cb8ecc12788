// data: references, the only ones that bring their content along.

import { invalidReference, quoted, tooManyBytes } from './media-errors.js'

const base64 = /^[A-Za-z0-9+/]*={0,2}$/
const mediaTypes = /^(image|video)\/[\w.+-]+$/i

export const isDataUrl = (reference: string): boolean => /^data:/i.test(reference)

/** Throws REQUEST_INVALID for another form than base64 of an image or a video, and MEDIA_TOO_LARGE. */
export function readDataUrl(reference: string, maxBytes: number): Uint8Array {
  const comma = reference.indexOf(',')
  if (comma === -1) {
    // vLLM's own text, because clients look for it.
    throw invalidReference(`Invalid data URL ${quoted(reference)}: missing ',' separator.`, form, fix)
  }
  const [type = '', ...parameters] = reference.slice('data:'.length, comma).split(';')
  if (!mediaTypes.test(type)) throw invalidReference(`The data URL is of type ${quoted(type)}.`, form, fix)
  if (parameters.at(-1)?.toLowerCase() !== 'base64') {
    throw invalidReference('Only base64 data URLs are supported for now.', form, fix)
  }
  const text = reference.slice(comma + 1)
  if (text.length / 4 > Math.ceil(maxBytes / 3)) throw tooManyBytes(maxBytes)
  if (text.length === 0) throw invalidReference('The data URL is empty.', form, fix)
  if (text.length % 4 !== 0 || !base64.test(text)) {
    throw invalidReference('The data URL is not valid base64.', 'A character or the padding at its end is wrong.', fix)
  }
  return Buffer.from(text, 'base64')
}

const form = 'It has the form data:image/png;base64,… with the content after the comma.'
const fix = 'Encode the whole file as base64, with padding and without line breaks.'
