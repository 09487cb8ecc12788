// Images and videos that were dropped, pasted or picked, as data: URLs.

import type { Media } from './draft.js'

/** What the server reads; a browser knows the type by the ending of the name. */
export const mediaTypes: Readonly<Record<string, Media['kind']>> = {
  'image/png': 'image',
  'image/jpeg': 'image',
  'image/webp': 'image',
  'image/gif': 'image',
  'video/mp4': 'video',
  'video/quicktime': 'video',
  'video/webm': 'video',
  'video/x-matroska': 'video',
  'video/x-msvideo': 'video',
}

/** Base64 makes 4 characters of 3 bytes. */
export const sentBytes = (numBytes: number): number => Math.ceil(numBytes / 3) * 4

/** Throws an Error whose words are for the visitor. */
export async function readMedia(file: File, maxBytes: number): Promise<Media> {
  const kind = mediaTypes[file.type]
  if (kind === undefined) {
    throw new Error(
      `${file.name} was not added. It is ${file.type || 'of no known type'}, which the server does not read. Use PNG, JPEG, WebP or GIF, or MP4, MOV, WebM, MKV or AVI.`,
    )
  }
  if (sentBytes(file.size) > maxBytes) {
    throw new Error(
      `${file.name} was not added. It takes ${inMiB(sentBytes(file.size))} in a request, which holds ${inMiB(maxBytes)}. Use a smaller file, or start the server with a larger --max-body-bytes.`,
    )
  }
  return { kind, name: file.name, url: `data:${file.type};base64,${base64(new Uint8Array(await file.arrayBuffer()))}` }
}

export const inMiB = (numBytes: number): string => `${(numBytes / 2 ** 20).toFixed(numBytes < 2 ** 20 ? 2 : 0)} MiB`

/** In pieces: a call takes only so many arguments. */
function base64(bytes: Uint8Array): string {
  const pieceBytes = 0x8000
  let binary = ''
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    binary += String.fromCharCode(...bytes.subarray(at, at + pieceBytes))
  }
  return btoa(binary)
}
