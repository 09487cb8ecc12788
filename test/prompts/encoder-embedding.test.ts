import { describe, expect, it } from 'vitest'
import type { PoolingConfig } from '#qvl/checkpoint/pooling-config.js'
import { encoderEmbedding } from '#qvl/prompts/encoder-embedding.js'
import type { EmbedItem } from '#qvl/prompts/prompt.js'
import { checkModules, type SentenceFacts, type SentenceRecipe, sentenceRecipe } from '#qvl/prompts/sentence-recipe.js'
import { plainText } from '#qvl/text/rich-text.js'
import { goldenTokenizer, unlimited } from './formats.js'

const tokenizer = await goldenTokenizer('xlm-roberta-embedding')

const recipe: SentenceRecipe = {
  pooling: 'first',
  normalizes: true,
  prompts: new Map([
    ['query', 'query: '],
    ['passage', 'passage: '],
    ['plain', ''],
  ]),
  defaultPromptName: 'passage',
  lowerCase: false,
  tokensOnly: false,
  words: '',
}
const format = encoderEmbedding({ tokenizer, recipe })
const withDefault = encoderEmbedding({ tokenizer, recipe, defaultPrompt: 'query' })
const bare = encoderEmbedding({ tokenizer, recipe: { ...recipe, prompts: new Map(), defaultPromptName: undefined } })

describe('the prompt before a text', () => {
  it.each<[string, typeof format, Omit<EmbedItem, 'content'>, string]>([
    ['the default of the checkpoint', format, {}, 'passage: cat'],
    ['the default that was asked for', withDefault, {}, 'query: cat'],
    ['of a query', format, { role: 'query' }, 'query: cat'],
    ['of a document', withDefault, { role: 'document' }, 'passage: cat'],
    ['by name', format, { promptName: 'query', role: 'document' }, 'query: cat'],
    ['an empty one', format, { promptName: 'plain' }, 'cat'],
    ['an instruction takes its place', format, { instruction: 'Find: ', role: 'query' }, 'Find: cat'],
    ['a blank instruction does not', format, { instruction: ' ', role: 'query' }, 'query: cat'],
    ['a checkpoint without prompts', bare, { role: 'query' }, 'cat'],
  ])('%s', (_, chosen, item, expected) => {
    const prompt = chosen.embed({ content: 'cat', ...item }, unlimited)
    expect(plainText(prompt.text)).toBe(expected)
    expect([...prompt.ids]).toEqual(tokenizer.encode(expected, { addSpecialTokens: true }))
    expect(prompt.prefixTokens).toBe(0)
  })

  it('a name that the checkpoint does not have is refused', () => {
    expect(() => format.embed({ content: 'cat', promptName: 'title' }, unlimited)).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', message: expect.stringContaining('query, passage, plain') }),
    )
    expect(() => encoderEmbedding({ tokenizer, recipe, defaultPrompt: 'title' })).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('query, passage, plain') }),
    )
  })
})

it.each(['left', 'right'] as const)('a cut on the %s keeps the prompt and the special tokens', (side) => {
  const content = 'The capital of France is Paris, and the capital of Japan is Tokyo.'
  const head = tokenizer.encode('query: ', { addSpecialTokens: true })
  const { ids, cutFrom } = format.embed({ content, role: 'query' }, { maxTokens: 14, overflow: 'truncate', side })
  expect(ids).toHaveLength(14)
  expect([...ids.slice(0, head.length - 1)]).toEqual(head.slice(0, -1))
  expect(ids.at(-1)).toBe(head.at(-1))
  expect(cutFrom).toBeGreaterThan(14)
})

it('texts of models that want lower case', async () => {
  const lower = encoderEmbedding({ tokenizer, recipe: { ...recipe, lowerCase: true } })
  const { ids } = lower.embed({ content: 'Hello WORLD', role: 'query' }, unlimited)
  expect([...ids]).toEqual(tokenizer.encode('query: hello world', { addSpecialTokens: true }))
})

const kinds = (...names: string[]) => names.map((kind) => ({ kind }))
const pooled = (...modes: PoolingConfig['modes']): PoolingConfig => ({ modes, dimension: 48, includePrompt: true })
const usual = kinds('transformer', 'pooling', 'normalize')
const prompts = { prompts: new Map([['query', 'query: ']]), defaultPromptName: undefined, similarity: undefined }

describe('how vectors are made', () => {
  it.each<[string, SentenceFacts | undefined, Partial<SentenceRecipe>]>([
    ['the first token', { modules: usual, pooling: pooled('cls') }, { pooling: 'first', normalizes: true }],
    ['the last token', { modules: usual, pooling: pooled('lastToken') }, { pooling: 'last' }],
    ['the mean', { modules: usual.slice(0, 2), pooling: pooled('mean') }, { pooling: 'mean', normalizes: false }],
    ['no files', undefined, { pooling: 'mean', normalizes: false, tokensOnly: false }],
    ['no pooling', { modules: kinds('transformer') }, { tokensOnly: true }],
    ['lower case', { modules: usual, limits: { maxSeqLength: 8, doLowerCase: true } }, { lowerCase: true }],
    ['prompts', { modules: undefined, prompts }, { prompts: prompts.prompts, defaultPromptName: undefined }],
  ])('%s', (_, facts, expected) => expect(sentenceRecipe(facts)).toMatchObject(expected))

  it('says so', () => {
    expect(sentenceRecipe({ modules: usual, pooling: pooled('cls') }).words).toBe(
      "the first token's vector, normalised",
    )
    expect(sentenceRecipe(undefined).words).toMatch(/^the mean of all tokens, not normalised .*modules\.json/)
  })

  it('can be settled from outside', () =>
    expect(sentenceRecipe({ modules: usual, pooling: pooled('max') }, 'first')).toMatchObject({ pooling: 'first' }))

  it.each<[string, () => unknown, string]>([
    ['an unknown mode', () => sentenceRecipe({ modules: usual, pooling: pooled('max') }), 'max'],
    ['several modes', () => sentenceRecipe({ modules: usual, pooling: pooled('cls', 'mean') }), 'cls + mean'],
    [
      'prompts outside of a mean',
      () => sentenceRecipe({ modules: usual, pooling: { ...pooled('mean'), includePrompt: false }, prompts }),
      'prompts',
    ],
    ['a Dense module', () => checkModules({ modules: kinds('transformer', 'pooling', 'dense') }), 'Dense'],
  ])('%s is refused', (_, action, words) => {
    expect(action).toThrow(
      expect.objectContaining({ code: 'MODEL_UNSUPPORTED', message: expect.stringContaining(words) }),
    )
  })
})
