// `--shard` as processes: parts of a job, computed side by side.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cosine } from '../support/golden.js'
import { embedder, jsonLines, parseLines, qvl } from './run-qvl.js'

let folder = ''
let input = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-shard-e2e-'))
  input = path.join(folder, 'in.jsonl')
  await writeFile(input, jsonLines(Array.from({ length: 30 }, (_, i) => `text number ${i} ${'and more '.repeat(i)}`)))
})
afterAll(() => rm(folder, { recursive: true }))

interface EmbedLine {
  index: number
  embedding: number[]
}

describe('--shard', () => {
  it('makes files that are the whole when joined in the order of their names', async () => {
    const embed = (name: string, ...flags: string[]) =>
      qvl(['embed', input, '-m', embedder, '-o', path.join(folder, name), ...flags])
    const shards = ['1/3', '2/3', '3/3'].map((shard) => embed('out.jsonl', '--shard', shard))
    const [whole, ...parts] = await Promise.all([embed('whole.jsonl'), ...shards])
    expect([whole, ...parts].map(({ code }) => code)).toEqual([0, 0, 0, 0])
    const names = (await readdir(folder)).filter((name) => name.startsWith('out')).sort()
    expect(names).toEqual(['out-00001-of-00003.jsonl', 'out-00002-of-00003.jsonl', 'out-00003-of-00003.jsonl'])
    const texts = await Promise.all(names.map((name) => readFile(path.join(folder, name), 'utf8')))
    const joined = parseLines<EmbedLine>(texts.join(''))
    const expected = parseLines<EmbedLine>(await readFile(path.join(folder, 'whole.jsonl'), 'utf8'))
    expect(joined.map(({ index }) => index)).toEqual(expected.map(({ index }) => index))
    for (const [i, { embedding }] of joined.entries()) {
      expect(cosine(embedding, expected[i]!.embedding)).toBeGreaterThan(0.999999)
    }
  })

  it.each<[string, string[], string, RegExp]>([
    ['a part that is not there', ['in', '--shard', '4/3'], '', /--shard 4\/3 names no part/],
    ['part 0', ['in', '--shard', '0/3'], '', /names no part/],
    ['words', ['in', '--shard', 'half'], '', /--shard half names no part.*2\/4/s],
    ['too many parts', ['in', '--shard', '1/100000'], '', /99999 at most/],
    ['a pipe', ['--shard', '1/2'], '"a"\n', /--shard needs an input file/],
    ['explanations', ['in', '--shard', '1/2', '--explain'], '', /does not go with --explain/],
  ])('refuses %s', async (_, args, stdin, message) => {
    const words = args.map((word) => (word === 'in' ? input : word))
    const { code, stdout, stderr } = await qvl(['embed', '-m', embedder, ...words], stdin)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })
})
