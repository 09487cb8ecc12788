// A cross-encoder and an encoder embedder as people run them: over a pipe and over HTTP.

import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cosine, floats, goldenPath, readGolden, type StoredArray } from '../support/golden.js'
import { startServer } from '../support/server.js'
import { variantOf } from '../support/variants.js'
import { devices, jsonLines, parseLines, qvl } from './run-qvl.js'

interface PairCase {
  id: string
  input: { query: string; document: string; max_length?: number }
  input_ids: number[]
  score: number
}

interface TextCase {
  id: string
  input: { text: string }
  input_ids: number[]
  embedding: StoredArray
}

interface ScoreLine {
  results: { index: number; relevance_score: number }[]
  usage: { prompt_tokens: number }
}

interface EmbedLine {
  embedding: number[]
  usage: { prompt_tokens: number }
}

const crossEncoder = goldenPath('checkpoints/xlm-roberta-reranker')
const embedder = goldenPath('checkpoints/bert-embedding')
const pairs = readGolden<{ cases: PairCase[] }>('xlm-roberta-reranker/cases.json').cases.filter(
  ({ input }) => input.max_length === undefined,
)
const texts = readGolden<{ cases: TextCase[] }>('bert-embedding/cases.json').cases
// The reference reads special tokens inside user text.
const asReference = ['--special-tokens-in-text', 'parse']
/** What the checkpoint's own number type makes of --dtype auto is part of what is tested. */
const env = { QVL_DTYPE: 'auto' }

describe.each(devices)('on the device %s', (device) => {
  it('qvl score gives the reference scores', async () => {
    const input = jsonLines(pairs.map(({ input: { query, document } }) => ({ query, documents: [document] })))
    const args = ['score', '--model', crossEncoder, '--device', device, ...asReference]
    const { code, stdout, stderr } = await qvl(args, input, { env })
    expect({ code, errors: stderr.match(/error|warning/g) }).toEqual({ code: 0, errors: null })
    for (const [position, { results, usage }] of parseLines<ScoreLine>(stdout).entries()) {
      const { id, score, input_ids } = pairs[position]!
      expect(usage.prompt_tokens, id).toBe(input_ids.length)
      expect(Math.abs(results[0]!.relevance_score - score), id).toBeLessThan(1e-4)
    }
  })

  it('qvl embed gives the reference vectors', async () => {
    const input = jsonLines(texts.map(({ input: { text } }) => ({ text })))
    const args = ['embed', '--model', embedder, '--device', device, '--truncate-prompt-tokens', '-1', ...asReference]
    const { code, stdout, stderr } = await qvl(args, input, { env })
    expect({ code, errors: stderr.match(/error|warning/g) }).toEqual({ code: 0, errors: null })
    for (const [position, { embedding, usage }] of parseLines<EmbedLine>(stdout).entries()) {
      const { id, embedding: expected, input_ids } = texts[position]!
      expect(usage.prompt_tokens, id).toBe(input_ids.length)
      expect(cosine(embedding, floats(expected)), id).toBeGreaterThan(0.99999)
    }
  })
})

it('qvl embed puts the prompt that a flag or a line names before the texts', async () => {
  const prompts = { prompts: { query: 'query: ', passage: 'passage: ' }, default_prompt_name: null }
  const dir = variantOf('bert-embedding', { files: { 'config_sentence_transformers.json': prompts } })
  const args = ['embed', '--model', dir, '--device', 'reference', '--explain', '--json', '--default-prompt']
  const { stdout } = await qvl([...args, 'passage'], jsonLines([{ text: 'a' }, { text: 'a', prompt_name: 'query' }]))
  expect(parseLines<{ prompt: string }>(stdout).map(({ prompt }) => prompt)).toEqual(['passage: a', 'query: a'])
  const { code, stderr } = await qvl([...args, 'title'], jsonLines([{ text: 'a' }]))
  expect(code).toBe(2)
  expect(stderr).toContain('It has: query, passage.')
})

it("qvl serve answers SGLang's requests to a cross-encoder", async () => {
  await using server = await startServer('xlm-roberta-reranker', { args: ['--device', 'reference'], env })
  const documents = [
    'hi',
    'The giant panda (Ailuropoda melanoleuca), sometimes called a panda bear or simply panda, is a bear of China.',
  ]
  const body = { model: crossEncoder, query: 'what is panda?', documents, top_n: 2, return_documents: true }
  const response = await server.post('/v1/rerank', body, { accept: 'application/vnd.sglang+json' })
  const answer = (await response.json()) as { score: number; document: string; index: number; meta_info: null }[]
  expect(answer.map(({ index }) => index).sort()).toEqual([0, 1])
  for (const { score, document, index, meta_info } of answer) {
    expect(document).toBe(documents[index])
    expect(score).toBeGreaterThan(0)
    expect(score).toBeLessThan(1)
    expect(meta_info).toBeNull()
  }
  expect(answer[0]!.score).toBeGreaterThanOrEqual(answer[1]!.score)
})

describe('what qvl does not run', () => {
  const score = (dir: string) => qvl(['score', '--model', dir, '--query', 'a', '--document', 'b'])

  it.each(['mpnet', 'nomic_bert', 'modernbert', 'new'])(
    'the model %s is named, with what is supported',
    async (type) => {
      const dir = variantOf('xlm-roberta-reranker', { files: { 'config.json': { model_type: type } } })
      const { code, stderr } = await score(dir)
      expect(code).not.toBe(0)
      for (const words of [`"${type}"`, 'not supported', 'bert (BertModel', 'xlm-roberta (', 'qwen3_vl (']) {
        expect(stderr).toContain(words)
      }
    },
  )

  it('weights in a .bin file are never read', async () => {
    const dir = variantOf('xlm-roberta-reranker', {})
    rmSync(join(dir, 'model.safetensors'))
    writeFileSync(join(dir, 'pytorch_model.bin'), 'not read')
    const { code, stderr } = await score(dir)
    expect(code).not.toBe(0)
    for (const words of ['pytorch_model.bin', 'can run code', 'save_pretrained']) expect(stderr).toContain(words)
  })
})
