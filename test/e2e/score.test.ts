// `qvl score` on a pipe, against the reference scores.

import { describe, expect, it } from 'vitest'
import { type ScoreCase, textCases } from '../support/golden.js'
import { devices, jsonLines, parseLines, qvl, reranker } from './run-qvl.js'

interface ScoreLine {
  id?: string
  index?: number
  results: { index: number; relevance_score: number }[]
  usage: { prompt_tokens: number }
}

interface ExplainLine {
  line: number
  index: number
  score: number
  logit: number
  logit_yes: number
  logit_no: number
  prompt: string
  num_tokens: number
  token_ids: number[]
}

/** The tolerance of the golden data for float32 against float32. */
const scoreTolerance = 1e-4

const cases = textCases<ScoreCase>('qwen3-reranker').filter(({ input }) => input.max_length === undefined)
const input = jsonLines(
  cases.map(({ id, input: { instruction, query, document } }) => ({
    id,
    query,
    documents: [document],
    ...(instruction !== null && { instruction }),
  })),
)
// The reference reads special tokens inside user text.
const asReference = ['--special-tokens-in-text', 'parse']

describe('qvl score', () => {
  it.each(devices)('gives the reference scores on the device %s', async (device) => {
    const { code, stdout, stderr } = await qvl(
      ['score', '--model', reranker, '--device', device, ...asReference],
      input,
    )
    expect({ code, errors: stderr.match(/error|warning/g) }).toEqual({ code: 0, errors: null })
    const lines = parseLines<ScoreLine>(stdout)
    expect(lines.map(({ id }) => id)).toEqual(cases.map(({ id }) => id))
    for (const [position, { results, usage }] of lines.entries()) {
      const { score, input_ids } = cases[position]!
      expect(usage.prompt_tokens).toBe(input_ids.length)
      expect(Math.abs(results[0]!.relevance_score - score)).toBeLessThan(scoreTolerance)
    }
  })

  it('sorts documents and keeps the best', async () => {
    const documents = cases.slice(0, 4).map(({ input: { document } }) => document)
    const { query } = cases[0]!.input
    const line = jsonLines([
      { query, documents },
      { query, documents, top_n: 2 },
    ])
    const { code, stdout } = await qvl(['score', '-m', reranker, '--top-n=3', '-q'], line)
    expect(code).toBe(0)
    const [first, second] = parseLines<ScoreLine>(stdout)
    expect(first!.results).toHaveLength(3)
    expect(second!.results).toEqual(first!.results.slice(0, 2))
    const scores = first!.results.map(({ relevance_score }) => relevance_score)
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
  })

  it('scores texts given as flags', async () => {
    const { query, document } = cases[0]!.input
    const { code, stdout } = await qvl(['score', '-m', reranker, '--query', text(query), '--document', text(document)])
    expect(code).toBe(0)
    const [line] = parseLines<ScoreLine>(stdout)
    expect(Math.abs(line!.results[0]!.relevance_score - cases[0]!.score)).toBeLessThan(scoreTolerance)
  })

  it('explains prompt, token ids and logits as JSON lines', async () => {
    const { code, stdout } = await qvl(['score', '-m', reranker, '--explain', '--json', ...asReference], input)
    expect(code).toBe(0)
    const lines = parseLines<ExplainLine>(stdout)
    expect(lines).toHaveLength(cases.length)
    for (const [position, explained] of lines.entries()) {
      const example = cases[position]!
      expect(explained.prompt).toBe(example.prompt)
      expect(explained.token_ids).toEqual(example.input_ids)
      expect(explained.num_tokens).toBe(example.input_ids.length)
      expect(Math.abs(explained.logit_yes - example.logit_yes!)).toBeLessThan(1e-3)
      expect(Math.abs(explained.logit_no - example.logit_no!)).toBeLessThan(1e-3)
      expect(Math.abs(explained.score - example.score)).toBeLessThan(scoreTolerance)
    }
  })

  it('explains for reading', async () => {
    const { query, document } = cases[0]!.input
    const args = ['score', '-m', reranker, '--query', text(query), '--document', text(document), '--explain']
    const { code, stdout } = await qvl(args)
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^line 1, document 0: score 0\.1116\d+ \(logit -2\.07\d+, yes -0\.50\d+, no 1\.56\d+\), 152 tokens\n/,
    )
    expect(stdout).toContain(cases[0]!.prompt)
    expect(stdout).toContain(cases[0]!.input_ids.join(' '))
  })

  it('takes the flags of the vLLM tutorial', async () => {
    const overrides =
      '{"architectures":["Qwen3ForSequenceClassification"],"classifier_from_token":["no","yes"],"is_original_qwen3_reranker":true}'
    const flags = ['--runner', 'pooling', '--max_model_len=4096', '--hf_overrides', overrides, '--trust-remote-code']
    const { code, stdout, stderr } = await qvl(['score', '--model', reranker, ...flags, ...asReference], input)
    expect(code).toBe(0)
    expect(stderr).toMatch(/^warning: --trust-remote-code has no effect: .+$/m)
    const [line] = parseLines<ScoreLine>(stdout)
    expect(Math.abs(line!.results[0]!.relevance_score - cases[0]!.score)).toBeLessThan(scoreTolerance)
  })

  it('answers vLLM batch lines in their own format', async () => {
    const { query, document } = cases[0]!.input
    const body = { model: 'any', query, documents: [document] }
    const line = jsonLines([{ custom_id: 'a', method: 'POST', url: '/v1/rerank', body }])
    const { code, stdout } = await qvl(['score', '-m', reranker], line)
    expect(code).toBe(0)
    const [answer] = parseLines<{ custom_id: string; response: { status_code: number; body: ScoreLine } }>(stdout)
    expect(answer).toMatchObject({ custom_id: 'a', response: { status_code: 200 } })
    const [result] = answer!.response.body.results
    expect(Math.abs(result!.relevance_score - cases[0]!.score)).toBeLessThan(scoreTolerance)
  })
})

function text(value: unknown): string {
  if (typeof value === 'string') return value
  throw new Error('expected a text')
}
