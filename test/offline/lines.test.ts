import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { QvlError } from '#qvl/errors.js'
import { LineReader } from '#qvl/offline/lines.js'

const bytes = (text: string): Buffer => Buffer.from(text)
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

async function* inPieces(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size)
}

/** `number:text` of each line; an error by its message. */
async function readAll(reader: LineReader): Promise<string[]> {
  const lines: string[] = []
  for (let line = await reader.next(); line !== undefined; line = await reader.next()) {
    lines.push(`${line.number}:${line.text instanceof QvlError ? line.text.message : line.text}`)
  }
  return lines
}

describe('lines', () => {
  it.each([
    ['nothing', bytes(''), []],
    ['line ends', bytes('a\nb\n'), ['1:a', '2:b']],
    ['no last line end', bytes('a\nb'), ['1:a', '2:b']],
    ['CRLF', bytes('a\r\nb\r\n'), ['1:a', '2:b']],
    ['blank lines', bytes('\n\na\n \t\r\n\nb\n\n'), ['3:a', '6:b']],
    ['a byte order mark', bytes('\uFEFFa\n\uFEFFb'), ['1:a', '2:\uFEFFb']],
    ['only a byte order mark', bytes('\uFEFF\n'), []],
    ['white space that JSON does not know', bytes('\u00a0\na'), ['1:\u00a0', '2:a']],
    ['characters of several bytes', bytes('Pékin 北京\n😀'), ['1:Pékin 北京', '2:😀']],
    [
      'bytes that are not UTF-8',
      Buffer.concat([bytes('a\n'), Buffer.from([0xff, 0xfe]), bytes('\nb')]),
      ['1:a', '2:Line 2 is not valid UTF-8.', '3:b'],
    ],
    ['a cut character at the end', bytes('a\n😀').subarray(0, 4), ['1:a', '2:Line 2 is not valid UTF-8.']],
    [
      'a line that is too long',
      bytes(`a\n${'x'.repeat(41)}\n${'y'.repeat(40)}\n${'z'.repeat(999)}`),
      [
        '1:a',
        '2:Line 2 is longer than 40 bytes. Memory has to stay bounded.',
        `3:${'y'.repeat(40)}`,
        '4:Line 4 is longer than 40 bytes. Memory has to stay bounded.',
      ],
    ],
  ])('%s', async (_name, data, expected) => {
    for (const size of [1, 2, 3, 7, 1000]) {
      const reader = new LineReader(inPieces(data, size), { maxLineBytes: 40 })
      expect(await readAll(reader)).toEqual(expected)
      expect(reader.position).toMatchObject({ bytes: data.length, sha256: sha256(data) })
    }
  })
})

describe('positions', () => {
  const data = bytes(`\uFEFFone\r\n\n${'two'.repeat(9)}\nthree\n\nfour`)

  it.each([1, 5, 16, 1000])('go from one run to the next, in pieces of %d', async (size) => {
    const all = await readAll(new LineReader(inPieces(data, size)))
    for (let taken = 0; taken <= all.length; taken++) {
      const first = new LineReader(inPieces(data, size))
      for (let i = 0; i < taken; i++) await first.next()
      const { position } = first
      expect(position.sha256).toBe(sha256(data.subarray(0, position.bytes)))

      const second = new LineReader(inPieces(data, 4))
      expect(await second.skipTo(position)).toBe(true)
      expect(await readAll(second)).toEqual(all.slice(taken))
      expect(second.position).toMatchObject({ bytes: data.length, sha256: sha256(data) })
    }
  })

  it('are refused for another input and for a shorter one', async () => {
    const position = { bytes: 12, lines: 2, sha256: sha256(data.subarray(0, 12)) }
    const other = Buffer.concat([bytes('\uFEFFOne'), data.subarray(6)])
    expect(await new LineReader(inPieces(data, 5)).skipTo(position)).toBe(true)
    expect(await new LineReader(inPieces(other, 5)).skipTo(position)).toBe(false)
    expect(await new LineReader(inPieces(data.subarray(0, 11), 5)).skipTo(position)).toBe(false)
  })
})
