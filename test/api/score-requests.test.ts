import { describe, expect, it } from 'vitest'
import { parseScore } from '#qvl/api/score.js'
import { expectRefusal, invalid, schema, tooLarge } from './expect-refusal.js'

const textPart = { type: 'text', text: 'a' }
const lengths = 'Input lengths must be either 1:1, 1:N or N:N'

describe('score requests', () => {
  it.each([
    ['1:1', { text_1: 'q', text_2: 'a' }, [['q', ['a']]]],
    ['1:N', { data_1: 'q', data_2: ['a', 'b'] }, [['q', ['a', 'b']]]],
    ['a list of one query', { queries: ['q'], documents: ['a', 'b'] }, [['q', ['a', 'b']]]],
    [
      'N:N',
      { queries: ['q', 'r'], items: ['a', 'b'] },
      [
        ['q', ['a']],
        ['r', ['b']],
      ],
    ],
    ['content', { queries: { content: [textPart] }, documents: { text: 'a' } }, [[[textPart], ['a']]]],
  ])('%s', (_name, body, expected) => {
    expect(parseScore(body, '').map(({ query, documents }) => [query, documents])).toEqual(expected)
  })

  it('gives every pair the options', () => {
    const options = { instruction: 'i', use_activation: false, truncate_prompt_tokens: 4, max_tokens_per_doc: 2 }
    const requests = parseScore({ text_1: ['q', 'r'], text_2: ['a', 'b'], ...options }, '')
    const expected = { instruction: 'i', useActivation: false, truncatePromptTokens: 4, maxTokensPerDoc: 2 }
    expect(requests).toEqual([expect.objectContaining(expected), expect.objectContaining(expected)])
  })

  it.each([
    [schema, 'queries', {}, 'missing'],
    [schema, 'text_2', { text_1: 'q' }, 'missing'],
    [schema, 'text_1', { text_2: 'q' }, 'missing'],
    [schema, 'documents', { queries: 'q' }, 'missing'],
    [invalid, 'text_1', { text_1: [], text_2: ['a'] }, 'At least one text element must be given'],
    [invalid, 'text_2', { text_1: 'q', text_2: [] }, 'At least one text_pair element must be given'],
    [invalid, 'text_2', { text_1: ['q', 'r'], text_2: ['a', 'b', 'c'] }, lengths],
    [invalid, 'text_2', { text_1: ['q', 'r'], text_2: 'a' }, lengths],
    [schema, 'items[1]', { queries: 'q', items: ['a', null] }, 'null'],
    [invalid, 'dimensions', { queries: 'q', items: 'a', dimensions: 8 }, "does not support ['dimensions'] parameters"],
    [tooLarge, 'data_2', { data_1: 'q', data_2: ['a', 'b', 'c', 'd'] }, '4 items'],
    [tooLarge, 'data_1', { data_1: 'abcdef', data_2: 'a' }, '6 bytes'],
    [tooLarge, 'data_2[1]', { data_1: 'q', data_2: ['a', 'abcdef'] }, '6 bytes'],
  ])('refuses with %s %s of %j', (code, param, body, text) => {
    expectRefusal(() => parseScore(body, '', { maxItems: 3, maxTextBytes: 5 }), code, param, text)
  })
})
