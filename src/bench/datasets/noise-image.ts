// Pixels as a JPEG in a data URL.

import sharp from 'sharp'
import type { MediaPart } from './request.js'

/** What Pillow uses when it is told nothing, as in vLLM: the same pixels, though not the same bytes. */
const jpeg = { quality: 75, chromaSubsampling: '4:2:0' } as const

/** `pixels` is RGB, row by row. */
export async function noiseImage(
  pixels: Uint8Array,
  { width, height }: { width: number; height: number },
): Promise<MediaPart> {
  const bytes = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg(jpeg)
    .toBuffer()
  return { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${bytes.toString('base64')}` } }
}
