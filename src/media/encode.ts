// Pixels to a PNG: for another server, which gets exactly these.

import type { Picture } from './pixels.js'

/** Fast rather than small: what is sent is read once. */
const compressionLevel = 1

/** sharp is loaded only where an image is. */
export async function encodePng({ rgb, width, height }: Picture): Promise<Uint8Array> {
  const { default: sharp } = await import('sharp')
  return await sharp(rgb, { raw: { width, height, channels: 3 } })
    .png({ compressionLevel })
    .toBuffer()
}
