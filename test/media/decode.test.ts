import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeImage, imageSize } from '#qvl/media/decode.js'
import { goldenPath, readGolden } from '../support/golden.js'

describe('decoding', () => {
  interface DecodeCase {
    file: string
    mode: string
    size: [width: number, height: number]
    rgb_sha256: string
  }
  const { images } = readGolden<{ images: DecodeCase[] }>('standalone/decode.json')

  it.each(images)('$file ($mode) gives the bytes of Pillow', async ({ file, size, rgb_sha256 }) => {
    const bytes = readFileSync(goldenPath(`media/${file}`))
    const { width, height, rgb } = await decodeImage(bytes)
    expect([width, height]).toEqual(size)
    expect(await imageSize(bytes)).toEqual({ width, height })
    expect(createHash('sha256').update(rgb).digest('hex')).toBe(rgb_sha256)
  })

  it('takes the first frame of an animation', async () => {
    const frames = Buffer.concat([Buffer.alloc(4 * 4 * 3, 200), Buffer.alloc(4 * 4 * 3, 10)])
    const raw = { width: 4, height: 8, channels: 3 as const, pageHeight: 4 }
    const animation = await sharp(frames, { raw }).webp({ lossless: true }).toBuffer()
    const { width, height, rgb } = await decodeImage(animation)
    expect([width, height]).toEqual([4, 4])
    expect(new Set(rgb)).toEqual(new Set([200]))
  })
})

/** A PNG header that declares a size, with nothing behind it. */
function declaredPng(width: number, height: number): Buffer {
  const png = Buffer.from(readFileSync(goldenPath('media/rgb_48x48.png')).subarray(0, 64))
  png.writeUInt32BE(width, 16)
  png.writeUInt32BE(height, 20)
  png.writeInt32BE(crc32(png.subarray(12, 29)), 29)
  return png
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return ~crc
}

describe('images that are not decoded', () => {
  const jpeg = readFileSync(goldenPath('media/exif6_200x120.jpg'))
  const cases = [
    { name: 'nothing', bytes: Buffer.alloc(0), code: 'MEDIA_INVALID', text: /empty/ },
    { name: 'an HTML page', bytes: Buffer.from('<!doctype html><p>hi'), code: 'MEDIA_INVALID', text: /HTML/ },
    { name: 'an SVG', bytes: Buffer.from('<svg xmlns="…"/>'), code: 'MEDIA_FORMAT', text: /SVG/ },
    { name: 'a PDF', bytes: Buffer.from('%PDF-1.7'), code: 'MEDIA_FORMAT', text: /PDF/ },
    { name: 'a TIFF', bytes: Buffer.from([73, 73, 42, 0, 0]), code: 'MEDIA_FORMAT', text: /TIFF/ },
    { name: 'text', bytes: Buffer.from('hello'), code: 'MEDIA_INVALID', text: /no image format/ },
    { name: 'half a JPEG', bytes: jpeg.subarray(0, jpeg.length / 2), code: 'MEDIA_INVALID', text: /damaged/ },
    {
      name: 'a PNG that declares 3.6 billion pixels',
      bytes: declaredPng(60000, 60000),
      code: 'MEDIA_TOO_LARGE',
      text: /60000|large/,
    },
  ]
  it.each(cases)('$name', async ({ bytes, code, text }) => {
    await expect(decodeImage(bytes)).rejects.toMatchObject({ code, message: expect.stringMatching(text) })
  })
})

describe('CMYK', () => {
  // Made with Pillow 9.4, whose `convert("RGB")` gave the hash for both: it takes every CMYK JPEG for one of Adobe's.
  const withMarker = Buffer.from(
    '/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAbEhQXFBEbFxYXHhwbIChCKyglJShROj0wQmBVZWRfVV1baniZgWpxkHNbXYW1hpCeo6utq2eAvMm6pseZqKuk' +
      '/8AAFAgADAAQBEMRAE0RAFkRAEsRAP/EABkAAAMAAwAAAAAAAAAAAAAAAAAFBgEDBP/EACEQAAIABAcBAAAAAAAAAAAAAAADAQIFQQQREhMVUWIh' +
      '/9oADgRDAE0AWQBLAAA/AGtQuMeS9FEyfSOXtJmoXDkvRzsxWm4ve0pqhcl99nZnFRjDM3PmiTNQuG+zsT4pk0M/ovfNE//Z',
    'base64',
  )
  const withoutMarker = Buffer.concat([withMarker.subarray(0, 2), withMarker.subarray(18)])

  it.each([
    ['with the marker of Adobe', withMarker],
    ['without it', withoutMarker],
  ])('%s', async (_, jpeg) => {
    const { width, height, rgb } = await decodeImage(jpeg)
    expect([width, height]).toEqual([16, 12])
    const hash = createHash('sha256').update(rgb).digest('hex')
    expect(hash).toBe('351abf4ce3577ea76bfe14d848179a78076fe76771e172c6c602b16b05921590')
  })
})
