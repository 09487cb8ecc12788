import { describe, expect, it } from 'vitest'
import { alignToServer, type ServerTokenizer } from '#qvl/bench/datasets/align.js'
import type { BenchRequest } from '#qvl/bench/datasets/dataset.js'

/** A server whose tokens are characters. */
const characters: ServerTokenizer = {
  tokenize: async (prompt) => [...prompt].map((character) => character.codePointAt(0)!),
  detokenize: async (tokens) => String.fromCodePoint(...tokens),
}

const request = (prompt: string | string[], promptLen: number): BenchRequest => ({ prompt, promptLen })

const mismatch = 'WARNING: tokenizer mismatch (server=5, expected=3), re-aligning prompts.'

describe('prompts for a server with another tokenizer', () => {
  it.each<[name: string, before: BenchRequest[], after: BenchRequest[], notes: string[]]>([
    ['none', [], [], []],
    ['equal counts', [request('abc', 3), request('abcdef', 2)], [request('abc', 3), request('abcdef', 2)], []],
    ['lists', [request(['abcde'], 1)], [request(['abcde'], 1)], []],
    [
      'longer ones are cut',
      [request('abcde', 3), request('ab', 3), request('abcdef', 4)],
      [request('abc', 3), request('ab', 3), request('abcd', 4)],
      [mismatch],
    ],
  ])('%s', async (_, before, requests, notes) => {
    expect(await alignToServer(before, characters)).toEqual({ requests, notes })
  })

  it('a server without /tokenize changes nothing', async () => {
    const server = { ...characters, tokenize: () => Promise.reject(new Error('404')) }
    const requests = [request('abcde', 3)]
    const notes = ['WARNING: /tokenize unavailable, skipping alignment.']
    expect(await alignToServer(requests, server)).toEqual({ requests, notes })
  })

  it('a prompt that the server fails on stays, and is counted', async () => {
    const detokenize = (tokens: readonly number[]) =>
      tokens[0] === 120 ? Promise.reject(new Error('500')) : characters.detokenize(tokens)
    const aligned = await alignToServer([request('abcde', 3), request('xyz', 2)], { ...characters, detokenize })
    expect(aligned.requests).toEqual([request('abc', 3), request('xyz', 2)])
    expect(aligned.notes).toEqual([
      mismatch,
      'WARNING: 1 prompts keep their length: the server failed to tokenize them.',
    ])
  })

  it('asks for at most 64 at once', async () => {
    let running = 0
    let most = 0
    const tokenize = async (prompt: string) => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setImmediate(resolve))
      running -= 1
      return characters.tokenize(prompt)
    }
    const requests = Array.from({ length: 500 }, () => request('abcde', 3))
    const aligned = await alignToServer(requests, { ...characters, tokenize })
    expect(most).toBe(64)
    expect(aligned.requests).toEqual(Array(500).fill(request('abc', 3)))
  })
})
