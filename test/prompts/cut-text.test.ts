// Texts made shorter before they are prompts: whole characters, at most so many tokens, and what is far too long refused.

import { describe, expect, it } from 'vitest'
import { type CutSide, cutToTokens, cutToUnits, longestCut } from '#qvl/prompts/cut-text.js'
import type { PromptLimits } from '#qvl/prompts/prompt.js'
import { withinReach } from '#qvl/prompts/reach.js'
import { goldenTokenizer } from './formats.js'

const tokenizer = await goldenTokenizer('qwen3-reranker')

describe('cutToUnits', () => {
  it.each<[string, number, CutSide, string]>([
    ['abcdef', 3, 'right', 'abc'],
    ['abcdef', 3, 'left', 'def'],
    ['abc', 3, 'right', 'abc'],
    ['a👍b', 2, 'right', 'a'],
    ['a👍b', 2, 'left', 'b'],
    ['a👍b', 3, 'right', 'a👍'],
    ['a👍b', 3, 'left', '👍b'],
    ['👍', 0, 'right', ''],
  ])('%j to %i from the %s', (text, numUnits, side, expected) => {
    expect(cutToUnits(text, numUnits, side)).toBe(expected)
  })
})

describe('cutToTokens', () => {
  const texts = [
    'The old castle needs clean energy.',
    '日本 👍🏽 ünïcödé',
    'e\u0301a\u0308 decomposed',
    ' spaces  and\n\nlines ',
    '',
  ]
  it.each(texts)('%j: a start of the text with at most so many tokens, and no fewer than needed', (text) => {
    const all = tokenizer.encode(text).length
    for (let maxTokens = 0; maxTokens <= all; maxTokens++) {
      const cut = cutToTokens(text, maxTokens, tokenizer)
      expect(text.startsWith(cut) || text.normalize('NFC').startsWith(cut)).toBe(true)
      expect(tokenizer.encode(cut).length).toBeLessThanOrEqual(maxTokens)
      expect(cut).not.toContain('\uFFFD')
    }
    expect(cutToTokens(text, all, tokenizer)).toBe(text)
  })

  it('of a long text looks at its start only', () => {
    const text = 'word '.repeat(2_000_000)
    expect(cutToTokens(text, 4, tokenizer)).toBe(tokenizer.decode(tokenizer.encode(text.slice(0, 1000)).slice(0, 4)))
  })
})

describe('longestCut', () => {
  it.each<[string, CutSide, string]>([
    ['abcdef', 'right', 'abcd'],
    ['abcdef', 'left', 'cdef'],
    ['👍👍👍', 'right', '👍👍'],
    ['', 'right', ''],
  ])('%j from the %s', (text, side, expected) => {
    expect(longestCut(text, side, (cut) => cut.length <= 4)).toBe(expected)
  })
})

describe('withinReach', () => {
  const maxChars = 10 * tokenizer.maxTokenChars
  const limits = (rest: Partial<PromptLimits> = {}): PromptLimits => ({ maxTokens: 10, overflow: 'error', ...rest })
  const long = 'x'.repeat(maxChars + 1)

  it('leaves a text that may fit', () => {
    const text = 'x'.repeat(maxChars)
    expect(withinReach(text, tokenizer, limits())).toBe(text)
    // As many characters as the limit, in twice as many UTF-16 units.
    const pairs = '👍'.repeat(maxChars)
    expect(withinReach(pairs, tokenizer, limits())).toBe(pairs)
  })

  it('refuses one that cannot, in the words of vLLM', () => {
    expect(() => withinReach(long, tokenizer, limits())).toThrowError(
      `This model's maximum context length is 10 tokens. However, you requested 0 output tokens and your prompt contains ` +
        `${maxChars + 1} characters (more than ${maxChars} characters, which is the upper bound for 10 input tokens). ` +
        `Please reduce the length of the input prompt or the number of requested output tokens. ` +
        `(parameter=input_text, value=${maxChars + 1})`,
    )
  })

  it.each<[CutSide, string]>([
    ['right', 'start'],
    ['left', 'end'],
  ])('keeps what a cut from the %s can keep', (side, kept) => {
    const text = `start${'x'.repeat(5 * maxChars)}end`
    const cut = withinReach(text, tokenizer, limits({ overflow: 'truncate', side }))
    expect(cut.length).toBe(11 * tokenizer.maxTokenChars)
    expect(side === 'right' ? cut.startsWith(kept) : cut.endsWith(kept)).toBe(true)
  })
})
