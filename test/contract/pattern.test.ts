import { describe, expect, it } from 'vitest'
import { differences } from './support/pattern.js'

describe('patterns of fixtures', () => {
  it.each([
    ['equal values', { a: 1, b: [true, null] }, { a: 1, b: [true, null] }, 0],
    ['another order of keys', { a: 1, b: 2 }, { b: 2, a: 1 }, 1],
    ['a key too many', { a: 1, b: 2 }, { a: 1 }, 1],
    ['a key too few', { a: 1 }, { a: 1, b: 2 }, 1],
    ['a list too long', [1, 2], [1], 1],
    ['another value', 'x', 'y', 1],
    ['an id', 'embd-0123456789abcdef', '$id:embd-', 0],
    ['an id with the wrong prefix', 'score-0123456789abcdef', '$id:embd-', 1],
    ['a number that is not finite', null, '$number', 1],
    ['floats', [1, 2.5], '$floats:2', 0],
    ['too few floats', [1], '$floats:2', 1],
    ['base64', 'AAAAAA==', '$base64:4', 0],
    ['base64 without padding', 'AAAAAA', '$base64:4', 1],
    ['a part of a text', 'one two', '$has:two', 0],
    ['a missing part', 'one two', '$has:three', 1],
    ['differences in two places', { a: 1, b: { c: 2 } }, { a: 2, b: { c: 3 } }, 2],
  ])('%s', (_name, actual, expected, count) => {
    expect(differences(actual, expected)).toHaveLength(count)
  })
})
