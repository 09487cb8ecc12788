import { describe, expect, it } from 'vitest'
import { JsonTexts } from '#qvl/server/prepare/json-texts.js'

describe('JSON texts in one buffer', () => {
  it.each([
    ['texts', ['a', 'ä𝄞', '', '\u0000']],
    ['objects', [{ text: 'x' }, null, [1]]],
    ['nothing', []],
    ['more than is decoded at once', ['é'.repeat(300_000), '𝄞'.repeat(200_000), 'ab']],
  ])('%s come back one by one', (_name, values) => {
    const texts = JsonTexts.of(values.map((value) => JSON.stringify(value)))
    expect(values.map((_, index) => JSON.parse(texts.at(index)))).toEqual(values)
    expect([...texts].map((text) => JSON.parse(text))).toEqual(values)
  })
})
