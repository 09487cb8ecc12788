// The format is decided by what the checkpoint's files say, in the order of the rules.

import { describe, expect, it } from 'vitest'
import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import { type ChooseFormatOptions, chooseFormat } from '#qvl/prompts/choose-format.js'
import { goldenPath } from '../support/golden.js'
import { goldenTokenizer } from './formats.js'
import { readTemplate } from './templates.js'

const plainTokenizer = await goldenTokenizer('qwen3-reranker')
const endingTokenizer = await goldenTokenizer('qwen3-embedding')
const pairTokenizer = await goldenTokenizer('bert-embedding')
const noClassifier = { sequenceClassification: false, classifierFromToken: undefined, isOriginalQwen3Reranker: false }

/** A Qwen3 decoder that says nothing about what it is for. */
const nothingKnown: ChooseFormatOptions = {
  id: './checkpoint',
  config: { family: 'qwen3', classifier: noClassifier },
  sentenceTransformers: undefined,
  tensorNames: new Set(['embed_tokens.weight', 'norm.weight']),
  tokenizer: plainTokenizer,
}
const vl = { config: { family: 'qwen3-vl', classifier: noClassifier } } as const
const classifier = (facts: Partial<typeof noClassifier> | { classifierFromToken: string[] }) => ({
  config: { family: 'qwen3', classifier: { ...noClassifier, ...facts } } as const,
})
const modules = (...kinds: string[]) => ({ sentenceTransformers: { modules: kinds.map((kind) => ({ kind })) } })
const scoreHead = { tensorNames: new Set(['score.weight']) }
const ending = { tokenizer: endingTokenizer }

describe('chooseFormat', () => {
  it.each<[string, Partial<ChooseFormatOptions>, string, RegExp]>([
    [
      '--convert embed wins over all',
      { convert: 'embed', ...scoreHead, id: 'x-rerank' },
      'qwen3-embedding',
      /--convert/,
    ],
    ['--convert classify wins over all', { convert: 'classify', ...modules('pooling') }, 'qwen3-reranker', /--convert/],
    ['--convert auto decides nothing', { convert: 'auto', id: 'x-rerank' }, 'qwen3-reranker', /name/],
    [
      'classifier_from_token',
      { ...classifier({ classifierFromToken: ['no', 'yes'] }), ...ending },
      'qwen3-reranker',
      /token/,
    ],
    ['is_original_qwen3_reranker', classifier({ isOriginalQwen3Reranker: true }), 'qwen3-reranker', /original/],
    ['architecture', { ...classifier({ sequenceClassification: true }), ...ending }, 'qwen3-reranker', /architecture/],
    ['logit score module', { ...modules('transformer', 'logitScore'), ...vl }, 'qwen3-vl-reranker', /logit score/],
    [
      'pooling module',
      { ...modules('transformer', 'pooling'), ...vl, id: 'x-rerank' },
      'qwen3-vl-embedding',
      /pooling/,
    ],
    ['score head', { ...scoreHead, ...ending }, 'qwen3-reranker', /score head/],
    ['end token', { ...ending, id: 'x-rerank' }, 'qwen3-embedding', /end token/],
    ['name', { id: 'Qwen/Qwen3-VL-Reranker-2B', ...vl }, 'qwen3-vl-reranker', /rerank/],
    ['folder', { id: '/rerankers/Qwen3-Embedding-0.6B/' }, 'qwen3-embedding', /embed/],
    ['hub cache', { id: '/c/models--Qwen--Qwen3-Reranker-4B/snapshots/0a1b' }, 'qwen3-reranker', /rerank/],
    ['Windows path', { id: 'C:\\models\\my-reranker' }, 'qwen3-reranker', /rerank/],
  ])('%s', (_, facts, name, reason) => {
    const chosen = chooseFormat({ ...nothingKnown, ...facts })
    expect(chosen.format.name).toBe(name)
    expect(chosen.reason).toMatch(reason)
  })

  it.each(['./checkpoint', '/rerankers/model', 'embed-and-rerank', ''])('does not guess for %j', (id) => {
    expect(() => chooseFormat({ ...nothingKnown, id })).toThrow(
      expect.objectContaining({
        code: 'MODEL_UNSUPPORTED',
        details: expect.objectContaining({ do: expect.stringContaining('--convert classify') }),
      }),
    )
  })

  it.each([
    ['qwen3-embedding', 'qwen3-embedding'],
    ['qwen3-reranker', 'qwen3-reranker'],
    ['qwen3-reranker-seq-cls', 'qwen3-reranker'],
    ['qwen3-vl-embedding', 'qwen3-vl-embedding'],
    ['qwen3-vl-reranker', 'qwen3-vl-reranker'],
    ['bert-embedding', 'encoder-embedding'],
    ['xlm-roberta-embedding', 'encoder-embedding'],
    ['xlm-roberta-reranker', 'cross-encoder'],
  ])('knows the golden checkpoint %s', async (checkpoint, name) => {
    const dir = goldenPath(`checkpoints/${checkpoint}`)
    const { config, sentenceTransformers, weights } = await openCheckpoint(dir)
    const tokenizer = await goldenTokenizer(checkpoint)
    const facts = { id: dir, config, sentenceTransformers, tensorNames: weights, tokenizer }
    expect(chooseFormat(facts).format.name).toBe(name)
  })

  it('uses a chat template for a reranker, and refuses one for an embedding model', () => {
    const chatTemplate = { name: 'mine.jinja', text: readTemplate('qwen3_reranker.jinja') }
    expect(chooseFormat({ ...nothingKnown, id: 'reranker', chatTemplate }).format.name).toContain('mine.jinja')
    expect(() => chooseFormat({ ...nothingKnown, id: 'embedder', chatTemplate })).toThrow(
      expect.objectContaining({ code: 'TEMPLATE_INVALID' }),
    )
  })

  const encoder = { config: { family: 'bert', classifier: noClassifier } } as const
  const headed = { config: { family: 'bert', classifier: { ...noClassifier, sequenceClassification: true } } } as const

  it.each<[string, Partial<ChooseFormatOptions>, string, RegExp, boolean]>([
    ['an encoder alone', encoder, 'encoder-embedding', /without a head; the mean .*not normalised/, false],
    [
      'a pooling module',
      { ...encoder, ...modules('transformer', 'pooling', 'normalize') },
      'encoder-embedding',
      /pooling module; the mean of all tokens, normalised/,
      false,
    ],
    ['modules that pool nothing', { ...encoder, ...modules('transformer') }, 'encoder-embedding', /encoder/, true],
    [
      'a classification head',
      { ...headed, ...modules('transformer', 'pooling') },
      'cross-encoder',
      /architecture/,
      false,
    ],
    ['--convert embed', { ...headed, convert: 'embed' }, 'encoder-embedding', /--convert embed/, false],
  ])('an encoder: %s', (_, facts, name, reason, lateInteraction) => {
    const chosen = chooseFormat({ ...nothingKnown, tokenizer: pairTokenizer, ...facts })
    expect(chosen.format.name).toBe(name)
    expect(chosen.reason).toMatch(reason)
    expect(chosen.lateInteraction).toBe(lateInteraction)
  })

  it.each([{}, vl])('refuses a decoder that pools anything but its last token', (facts) => {
    const pooling = { modes: ['mean'] as const, dimension: undefined, includePrompt: true }
    const sentenceTransformers = { ...modules('transformer', 'pooling').sentenceTransformers, pooling }
    expect(() => chooseFormat({ ...nothingKnown, ...facts, sentenceTransformers })).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining('mean') }),
    )
    expect(chooseFormat({ ...nothingKnown, ...facts, sentenceTransformers, pooling: 'last' }).format.kind).toBe('embed')
  })

  it('refuses a chat template for an encoder, and a Dense module in any embedding model', () => {
    const chatTemplate = { name: 'mine.jinja', text: readTemplate('qwen3_reranker.jinja') }
    for (const facts of [encoder, headed]) {
      expect(() => chooseFormat({ ...nothingKnown, tokenizer: pairTokenizer, ...facts, chatTemplate })).toThrow(
        expect.objectContaining({ code: 'TEMPLATE_INVALID' }),
      )
    }
    for (const facts of [encoder, {}]) {
      expect(() => chooseFormat({ ...nothingKnown, ...facts, ...modules('transformer', 'pooling', 'dense') })).toThrow(
        expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining('Dense') }),
      )
    }
  })
})
