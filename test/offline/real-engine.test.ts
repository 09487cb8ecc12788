import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '#qvl/engine/engine.js'
import type { Engine } from '#qvl/engine/requests.js'
import { type RunFileOptions, runEmbedFile } from '#qvl/offline/run-file.js'
import { cosine, type EmbedCase, floats, goldenPath, type ScoreCase, textCases } from '../support/golden.js'
import { embedLines, scoreLines, toStream } from './run-lines.js'

/** Cases whose special tokens and cut prompts follow habits of the reference that are not our default. */
const otherHabits = ['special', 'truncated']

const lines = (values: readonly object[]): string => values.map((value) => JSON.stringify(value)).join('\n')

describe('qwen3-embedding', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await openEngine({ model: goldenPath('checkpoints/qwen3-embedding'), device: 'reference' })
  })
  afterAll(() => engine.close())

  const cases = textCases<EmbedCase>('qwen3-embedding').filter(({ id }) => !otherHabits.includes(id))
  const toLines = (some: readonly EmbedCase[]): string =>
    lines(some.map(({ id, input: { text, task } }) => ({ id, text, instruction: task })))

  it('gives the golden vectors', async () => {
    const run = await embedLines(toLines(cases), { engine })
    expect(run.summary).toMatchObject({ lines: cases.length, failed: 0 })
    for (const [index, { id, embedding, input_ids }] of cases.entries()) {
      const line = run.lines[index]!
      expect(line).toMatchObject({ id, usage: { prompt_tokens: input_ids.length } })
      expect(cosine(vector(line.embedding), floats(embedding)), id).toBeGreaterThan(0.99999)
    }
  })

  it('resumes to the same bytes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'qvl-real-'))
    try {
      const short = cases.filter(({ input_ids }) => input_ids.length < 50)
      const input = toLines(short)
      const chunkLimits = { maxTokens: 20, maxLines: 100 }
      const run = (name: string, options: Partial<RunFileOptions> = {}) =>
        runEmbedFile({ engine, input: toStream(input), output: { file: join(folder, name) }, chunkLimits, ...options })
      await run('uncut')
      const stop = new AbortController()
      const onProgress: RunFileOptions['onProgress'] = ({ lines: done }) => {
        if (done > short.length / 2) stop.abort()
      }
      expect(await run('cut', { signal: stop.signal, onProgress })).toMatchObject({ aborted: true })
      const { resumedLines } = await run('cut', { resume: true })
      expect(resumedLines).toBeGreaterThan(0)
      expect(await readFile(join(folder, 'cut'), 'utf8')).toBe(await readFile(join(folder, 'uncut'), 'utf8'))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('qwen3-reranker', () => {
  let engine: Engine
  beforeAll(async () => {
    engine = await openEngine({ model: goldenPath('checkpoints/qwen3-reranker'), device: 'reference' })
  })
  afterAll(() => engine.close())

  const cases = textCases<ScoreCase>('qwen3-reranker').filter(({ id }) => !otherHabits.includes(id))

  it('gives the golden scores', async () => {
    const input = cases.map(({ id, input: { query, document, instruction } }) => ({
      id,
      query,
      documents: [document],
      instruction,
    }))
    const run = await scoreLines(lines(input), { engine })
    for (const [index, { id, score, input_ids }] of cases.entries()) {
      const { results, ...line } = run.lines[index]!
      expect(line).toMatchObject({ id, usage: { prompt_tokens: input_ids.length } })
      expect(results).toEqual([{ index: 0, relevance_score: expect.closeTo(score, 4) }])
    }
  })

  it('computes what documents share once, and says so', async () => {
    const documents = ['Paris is a city.', 'Tokyo is a city.', 'Water boils.']
    const run = await scoreLines(lines([{ query: 'What is the capital of Japan?', documents }]), { engine })
    expect(run.summary.cachedTokens).toBeGreaterThan(run.summary.tokens / 3)
    expect(run.lines[0]).toMatchObject({
      usage: { prompt_tokens_details: { cached_tokens: run.summary.cachedTokens } },
    })
  })

  it('refuses embeddings line by line', async () => {
    const run = await embedLines('"a"', { engine })
    expect(run.lines[0]).toMatchObject({ index: 0, error: { code: 'REQUEST_INVALID' } })
  })
})

function vector(embedding: unknown): number[] {
  if (Array.isArray(embedding)) return embedding.map(Number)
  throw new TypeError('no vector')
}
