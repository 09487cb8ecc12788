// Long and repetitive text, where a careless tokenizer needs quadratic time, is tokenised to the end.

import { beforeAll, describe, expect, it } from 'vitest'
import { openTokenizer, type Tokenizer } from '#qvl/text/tokenizer.js'
import { realQwen } from './fixtures.js'

/** Bytes of UTF-8. */
const length = 4 * 2 ** 20

const units: { name: string; unit: string }[] = [
  { name: 'one letter', unit: 'a' },
  { name: 'two letters', unit: 'ab' },
  { name: 'blanks', unit: ' ' },
  { name: 'blank lines', unit: ' \n' },
  { name: 'punctuation', unit: '!' },
  { name: 'apostrophes', unit: "'" },
  { name: 'digits', unit: '7' },
  { name: 'Devanagari letters', unit: 'क' },
  { name: 'Devanagari words', unit: 'नमस्ते ' },
  { name: 'emoji ZWJ chains', unit: '👨‍👩‍👧‍👦' },
  { name: 'joiners', unit: '\u200d' },
  { name: 'Han', unit: '中' },
  { name: 'Hangul jamo', unit: '\u1100' },
  { name: 'added tokens', unit: '<|im_start|>' },
  { name: 'halves of added tokens', unit: '<|im_' },
]

describe('4 MiB', () => {
  let tokenizer: Tokenizer
  beforeAll(async () => {
    tokenizer = await openTokenizer(realQwen)
  })

  it.each(units)('$name', ({ unit }) => {
    const text = unit.repeat(Math.floor(length / Buffer.byteLength(unit)))
    expect(tokenizer.decode(tokenizer.encode(text)) === text).toBe(true)
  })

  it('added tokens in template text', () => {
    const token = '<|im_start|>'
    const count = Math.floor(length / token.length)
    const ids = tokenizer.encode([{ from: 'template', text: token.repeat(count) }])
    expect(ids).toHaveLength(count)
    expect(new Set(ids)).toEqual(new Set([151_644]))
  })

  it('combining marks in the wrong order', () => {
    const count = length / 4
    const text = `x${'\u0301\u0327'.repeat(count)}`
    const ordered = `x${'\u0327'.repeat(count)}${'\u0301'.repeat(count)}`
    expect(tokenizer.decode(tokenizer.encode(text)) === ordered).toBe(true)
  })

  it('lone surrogates', () => {
    const count = length / 3
    const ids = tokenizer.encode('\ud800'.repeat(count))
    expect(tokenizer.decode(ids) === '\ufffd'.repeat(count)).toBe(true)
  })
})
