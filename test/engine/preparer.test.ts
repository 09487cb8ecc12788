// The preparer: requests of every kind to tasks, as plain data, and what it refuses.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '#qvl/engine/engine.js'
import { openPreparer } from '#qvl/engine/preparer.js'
import type { Engine, Preparer, Sequence, Task } from '#qvl/engine/requests.js'
import type { QvlError } from '#qvl/errors.js'
import { goldenPath, maxDifference } from '../support/golden.js'

const checkpoint = (name: string): string => goldenPath(`checkpoints/${name}`)
const open = (name: string, options: Partial<Parameters<typeof openPreparer>[0]> = {}): Promise<Preparer> =>
  openPreparer({ dir: checkpoint(name), id: name, ...options })

const text = 'The old castle needs clean energy and a doctor. '.repeat(6)

let reranker: Preparer
let embedder: Preparer
let vlReranker: Preparer
let vlEmbedder: Preparer
beforeAll(async () => {
  reranker = await open('qwen3-reranker')
  embedder = await open('qwen3-embedding')
  vlReranker = await open('qwen3-vl-reranker')
  vlEmbedder = await open('qwen3-vl-embedding')
})

const idsOf = ({ sequences }: Task): number[] => [...sequences[0]!.ids]
const prefixOf = (preparer: Preparer, { ids, prefixTokens }: Sequence): string =>
  preparer.detokenize([...ids.subarray(0, prefixTokens)])

const failure = (call: () => unknown): QvlError => {
  try {
    call()
  } catch (error) {
    return error as QvlError
  }
  throw new Error('nothing was thrown')
}

describe('tasks', () => {
  it('are plain data whose ids can change hands', () => {
    const tasks = [
      embedder.embed({ content: 'x', dimensions: 8 }, { texts: true }),
      embedder.tokenEmbed({ content: 'x' }),
      reranker.score({ query: 'q', documents: ['a', 'b'] }),
      reranker.classify({ content: 'x' }),
    ]
    for (const task of tasks) {
      expect(structuredClone(task)).toEqual(task)
      const transfer = task.sequences.map(({ ids }) => ids.buffer as ArrayBuffer)
      expect(structuredClone(task, { transfer }).sequences[0]!.ids.length).toBeGreaterThan(0)
      expect(transfer[0]!.byteLength).toBe(0)
    }
  })

  it('are the same in another thread', async () => {
    await using engine = await openEngine({
      model: checkpoint('qwen3-reranker'),
      device: 'reference',
      maxModelLen: 300,
    })
    const other = await openPreparer(structuredClone(engine.preparerOptions))
    const request = { query: 'q', documents: ['a', text], instruction: 'Find it' }
    expect(other.score(request)).toEqual(engine.preparer.score(request))
    expect(other.model).toEqual(engine.preparer.model)
  })

  it('have their texts where those are asked for', () => {
    const { texts } = reranker.score({ query: 'q', documents: ['a', 'b'] }, { texts: true })
    expect(texts).toHaveLength(2)
    expect(texts![1]).toContain('<Query>: q\n<Document>: b<|im_end|>')
    expect(reranker.score({ query: 'q', documents: ['a'] }).texts).toBeUndefined()
  })

  it.each<[string, () => [Preparer, Task], string]>([
    [
      'pair',
      () => [reranker, reranker.score({ query: 'two words', documents: ['document'] })],
      '<Query>: two words\n<Document>:',
    ],
    [
      'VL pair',
      () => [vlReranker, vlReranker.score({ query: 'q', documents: ['document'] })],
      '<Query>:q\n<Document>:',
    ],
    ['VL text', () => [vlEmbedder, vlEmbedder.embed({ content: 'document' })], '<|im_start|>user\n'],
    ['query', () => [embedder, embedder.embed({ content: 'document', instruction: 'Find' })], 'Instruct: Find\nQuery:'],
    ['text', () => [embedder, embedder.embed({ content: 'document' })], ''],
  ])('say where the text begins that others do not have: %s', (_, prepare, end) => {
    const [preparer, task] = prepare()
    const prefix = prefixOf(preparer, task.sequences[0]!)
    expect(prefix.endsWith(end)).toBe(true)
    expect(prefix).not.toContain('document')
  })
})

describe('raw prompts', () => {
  it('are the text itself, with its special tokens and what the tokenizer puts at its end', () => {
    const end = embedder.tokenize('', { addSpecialTokens: true }).ids
    const { ids } = embedder.tokenize('<|im_start|>user\nhi<|im_end|>', { addSpecialTokens: false })
    expect(end).toHaveLength(1)
    const raw = { content: '<|im_start|>user\nhi<|im_end|>', promptFormat: 'raw' } as const
    expect(idsOf(embedder.embed(raw))).toEqual([...ids, ...end])
    expect(idsOf(embedder.embed({ ...raw, addSpecialTokens: false }))).toEqual(ids)
    expect(idsOf(embedder.embed({ ...raw, promptFormat: 'official' })).length).toBeGreaterThan(ids.length + 1)
  })

  it("are the engine's default where it says so", async () => {
    const raw = await open('qwen3-vl-embedding', { promptFormat: 'raw' })
    expect(idsOf(raw.embed({ content: 'hi' }))).toEqual(raw.tokenize('hi', { addSpecialTokens: true }).ids)
    expect(idsOf(raw.embed({ content: 'hi', promptFormat: 'official' }))).toEqual(
      idsOf(vlEmbedder.embed({ content: 'hi' })),
    )
  })

  it.each([
    ['right', (ids: number[]) => ids.slice(0, 4)],
    ['left', (ids: number[]) => ids.slice(-4)],
  ] as const)('are cut from the %s, the token at the end kept', (truncationSide, kept) => {
    const { ids } = embedder.tokenize(text, { addSpecialTokens: false })
    const [end] = embedder.tokenize('', { addSpecialTokens: true }).ids
    const request = { content: text, promptFormat: 'raw', truncatePromptTokens: 5, truncationSide } as const
    expect(idsOf(embedder.embed(request))).toEqual([...kept(ids), end])
    const tokens = { ...request, content: { tokens: ids }, truncatePromptTokens: 4 }
    expect(idsOf(embedder.embed(tokens))).toEqual(kept(ids))
  })

  it('of a reranker are what its own template gives', () => {
    const task = reranker.score({ query: 'q', documents: ['a'] }, { texts: true })
    expect(idsOf(reranker.classify({ content: task.texts![0]! }))).toEqual(idsOf(task))
    expect(idsOf(reranker.classify({ content: { tokens: idsOf(task) } }))).toEqual(idsOf(task))
  })
})

describe('cuts', () => {
  const document = (preparer: Preparer, task: Task): string =>
    preparer
      .detokenize(idsOf(task))
      .split(/<Document>: ?/)
      .at(-1)!
      .split('<|im_end|>')[0]!
  const query = (preparer: Preparer, task: Task): string =>
    preparer
      .detokenize(idsOf(task))
      .split(/<Query>: ?/)[1]!
      .split('\n<Document>')[0]!

  it.each([
    ['text', () => reranker],
    ['VL', () => vlReranker],
  ])('of a side leave as many of its tokens, in a %s reranker', (_, preparer) => {
    const request = { query: text, documents: [text] }
    const cut = preparer().score({ ...request, maxTokensPerQuery: 5, maxTokensPerDoc: 3 })
    const short = (numTokens: number) =>
      preparer().detokenize(preparer().tokenize(text, { addSpecialTokens: false }).ids.slice(0, numTokens))
    expect(document(preparer(), cut)).toBe(short(3))
    expect(query(preparer(), cut)).toBe(short(5))
    expect(idsOf(preparer().score({ ...request, maxTokensPerDoc: 0 }))).toEqual(idsOf(preparer().score(request)))
  })

  it.each([
    ['text', () => reranker],
    ['VL', () => vlReranker],
  ])('from the left keep the tail and the end of the document, then of the query, in a %s reranker', (_, preparer) => {
    const request = { query: `start ${text} end of query`, documents: [`${text} end of document`] }
    const all = idsOf(preparer().score(request))
    const cut = (numTokens: number) =>
      preparer().score({ ...request, truncatePromptTokens: numTokens, truncationSide: 'left' })
    const little = cut(all.length - 20)
    expect(idsOf(little)).toHaveLength(all.length - 20)
    expect(document(preparer(), little)).toMatch(/end of document$/)
    expect(query(preparer(), little)).toMatch(/^start .* end of query$/)
    const much = cut(
      all.length - preparer().tokenize(request.documents[0]!, { addSpecialTokens: false }).ids.length - 20,
    )
    expect(document(preparer(), much)).toBe('')
    expect(query(preparer(), much)).toMatch(/end of query$/)
    expect(query(preparer(), much)).not.toMatch(/^start/)
    expect(idsOf(much).slice(-5)).toEqual(all.slice(-5))
  })

  it.each([
    ['qwen3-embedding', () => embedder],
    ['qwen3-vl-embedding', () => vlEmbedder],
  ])('from the left keep the template of %s', (_, preparer) => {
    const request = { content: `start ${text} the end`, instruction: 'Find it' }
    const all = idsOf(preparer().embed(request))
    const cut = idsOf(preparer().embed({ ...request, truncatePromptTokens: all.length - 10, truncationSide: 'left' }))
    expect(cut).toHaveLength(all.length - 10)
    const decoded = preparer().detokenize(cut)
    expect(decoded).toContain('Find it')
    expect(decoded).toContain('the end')
    expect(decoded).not.toContain('start ')
  })
})

describe('refusals', () => {
  const limited = () => open('qwen3-reranker', { maxModelLen: 200 })

  it.each<[string, () => unknown, string, RegExp]>([
    ['embeddings of a reranker', () => reranker.embed({ content: 'x' }), 'REQUEST_INVALID', /gives no embeddings/],
    ['token vectors of a reranker', () => reranker.tokenEmbed({ content: 'x' }), 'REQUEST_INVALID', /no embeddings/],
    ['classes of an embedder', () => embedder.classify({ content: 'x' }), 'REQUEST_INVALID', /no classification head/],
    [
      'no tokens',
      () => embedder.embed({ content: { tokens: [] } }),
      'REQUEST_INVALID',
      /^The decoder prompt cannot be empty/,
    ],
    ['an empty raw text', () => reranker.classify({ content: '' }), 'REQUEST_INVALID', /cannot be empty/],
    [
      'a token id too high',
      () => embedder.embed({ content: { tokens: [1, 1792] } }),
      'REQUEST_INVALID',
      /^Token id 1792 is out of vocabulary/,
    ],
    [
      'one too low',
      () => embedder.embed({ content: { tokens: [-1] } }),
      'REQUEST_INVALID',
      /^Token id -1 is out of vocabulary/,
    ],
    [
      'one far too high',
      () => embedder.embed({ content: { tokens: [2 ** 40] } }),
      'REQUEST_INVALID',
      /out of vocabulary/,
    ],
    [
      'a raw prompt with an instruction',
      () => embedder.embed({ content: 'x', promptFormat: 'raw', instruction: 'y' }),
      'REQUEST_INVALID',
      /instruction/,
    ],
    [
      'short vectors of tokens',
      () => embedder.tokenEmbed({ content: 'x', dimensions: 4 }),
      'REQUEST_INVALID',
      /dimensions/,
    ],
    [
      'an unknown width',
      () => embedder.embed({ content: 'x', dimensions: 65 }),
      'REQUEST_INVALID',
      /^Model 'qwen3-embedding' only supports .*got 65/,
    ],
    [
      'a negative cut of a side',
      () => reranker.score({ query: 'q', documents: ['a'], maxTokensPerDoc: -1 }),
      'REQUEST_INVALID',
      /^max_tokens_per_doc must be a non-negative integer/,
    ],
    [
      'a cut above the limit',
      () => reranker.score({ query: 'q', documents: ['a'], maxTokensPerQuery: 40_000 }),
      'REQUEST_INVALID',
      /^max_tokens_per_query \(40000\) must be less than max_model_len \(32768\)/,
    ],
    [
      'an image',
      () => reranker.score({ query: 'q', documents: [[{ type: 'image', image: 'x' }]] }),
      'MEDIA_UNSUPPORTED',
      /^MultiModalParam is not supported for Qwen3ForCausalLM\./,
    ],
  ])('%s', (_, call, code, message) => {
    const error = failure(call)
    expect(error.code).toBe(code)
    expect(error.message).toMatch(message)
  })

  it('a prompt that is too long, in the words of vLLM', async () => {
    const preparer = await limited()
    const numTokens = idsOf(reranker.score({ query: 'q', documents: [text.repeat(3)] })).length
    const { details } = failure(() => preparer.score({ query: 'q', documents: ['a', text.repeat(3)] }))
    expect(details.what).toBe(
      `This model's maximum context length is 200 tokens. However, you requested 0 output tokens and your prompt ` +
        `contains ${numTokens} input tokens, for a total of ${numTokens} tokens. Please reduce the length of the input ` +
        `prompt or the number of requested output tokens. (parameter=input_tokens, value=${numTokens})`,
    )
    expect(details.param).toBe('documents[1]')
  })

  it('a text that is far too long without reading it all', async () => {
    const preparer = await limited()
    const document = 'word '.repeat(3_000_000)
    const error = failure(() => preparer.score({ query: 'q', documents: [document] }))
    expect(error.code).toBe('INPUT_TOO_LONG')
    expect(error.message).toMatch(/your prompt contains 15000000 characters/)
    const cut = preparer.score({ query: 'q', documents: [document], truncatePromptTokens: -1 })
    expect(idsOf(cut)).toHaveLength(200)
  })
})

describe('chat', () => {
  const plain = { addGenerationPrompt: false, continueFinalMessage: true }

  it("in vLLM's recipe gives the official prompt of the VL embedder", () => {
    const rendered = vlEmbedder.renderChat(
      [
        { role: 'system', content: "Represent the user's input." },
        { role: 'user', content: [{ type: 'text', text: 'hi' }] },
        { role: 'assistant', content: '' },
      ],
      plain,
    )
    const raw = vlEmbedder.embed({ content: rendered, promptFormat: 'raw' })
    expect(idsOf(raw)).toEqual(idsOf(vlEmbedder.embed({ content: 'hi' })))
  })

  it('is refused where the checkpoint has no template', () => {
    expect(failure(() => embedder.renderChat([{ role: 'user', content: 'x' }], plain)).code).toBe('REQUEST_INVALID')
  })
})

describe('token strings', () => {
  it('are those of the vocabulary, and ids lead back to the text', () => {
    const { ids, tokens } = reranker.tokenize('<|im_start|>two words', { addSpecialTokens: true })
    expect(tokens[0]).toBe('<|im_start|>')
    expect(tokens.some((token) => token.startsWith('Ġ'))).toBe(true)
    expect(reranker.detokenize(ids)).toBe('<|im_start|>two words')
  })
})

describe('answers', () => {
  let embedding: Engine
  let scoring: Engine
  beforeAll(async () => {
    embedding = await openEngine({ model: checkpoint('qwen3-embedding'), device: 'ort' })
    scoring = await openEngine({ model: checkpoint('qwen3-reranker'), device: 'ort' })
  })
  afterAll(async () => {
    await embedding.close()
    await scoring.close()
  })

  it('of tokens: a vector of length 1 for each, and the last is that of the text', async () => {
    const request = { content: 'The capital of Japan' }
    const [tokens] = await Promise.all(embedding.submit([embedding.preparer.tokenEmbed(request)]))
    const { vector } = await embedding.embed(request)
    const { rows, width, data } = tokens!
    expect([rows, width]).toEqual([tokens!.usage.promptTokens, 64])
    expect(maxDifference(data.slice((rows - 1) * width), vector)).toBeLessThan(1e-5)
    for (let row = 0; row < rows; row++) {
      const length = Math.hypot(...data.subarray(row * width, (row + 1) * width))
      expect(Math.abs(length - 1)).toBeLessThan(1e-5)
    }
  })

  it('of classes: for a finished prompt of a reranker, its score', async () => {
    const { preparer } = scoring
    const pair = preparer.score({ query: 'cat', documents: ['dog'] }, { texts: true })
    const [content] = pair.texts!
    const asked = [
      preparer.classify({ content: content! }),
      preparer.classify({ content: content!, useActivation: false }),
    ]
    const [probability, logit] = await Promise.all(scoring.submit(asked))
    const { scores } = await scoring.submit([pair])[0]!
    expect(probability!.probs).toHaveLength(1)
    expect(probability!.probs[0]).toBeCloseTo(scores[0]!, 6)
    expect(1 / (1 + Math.exp(-logit!.probs[0]!))).toBeCloseTo(scores[0]!, 6)
  })

  it('of a warm-up: none, and nothing is left', async () => {
    await scoring.warmUp()
    expect(scoring.load()).toMatchObject({ waitingTasks: 0, runningTasks: 0 })
  })
})
