import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Collected, embedLines, type LinesRun, scoreLines, toStream } from './run-lines.js'
import { tinyEngine } from './tiny-engine.js'

const documents = ['0.25', '0.75', '0.5', '0.75']
const text = (...lines: unknown[]): string => lines.map((line) => JSON.stringify(line)).join('\n')
const usage = (tokens: number, cached = 0) => ({
  prompt_tokens: tokens,
  total_tokens: tokens,
  prompt_tokens_details: { cached_tokens: cached },
})

describe('score lines', () => {
  it.each([
    ['sorted, equal scores in input order', { query: 'q', documents }, [1, 3, 2, 0]],
    ['cut', { query: 'q', documents, top_n: 2 }, [1, 3]],
    ['null is all', { query: 'q', documents, top_n: null }, [1, 3, 2, 0]],
  ])('%s', async (_name, line, expected) => {
    const { lines, summary } = await scoreLines(text(line))
    expect(lines).toEqual([
      {
        index: 0,
        results: expected.map((index) => ({ index, relevance_score: Number(documents[index]) })),
        usage: usage(8, 3),
      },
    ])
    expect(Object.keys(lines[0]!)).toEqual(['index', 'results', 'usage'])
    expect(summary).toMatchObject({ lines: 1, failed: 0, tokens: 8, cachedTokens: 3, aborted: false })
  })

  it('takes top_n from the flags', async () => {
    const { lines } = await scoreLines(text({ query: 'q', documents }, { query: 'q', documents, top_n: 3 }), {
      defaults: { topN: 1 },
    })
    expect(lines.map(({ results }) => results)).toEqual([
      expect.objectContaining({ length: 1 }),
      expect.objectContaining({ length: 3 }),
    ])
  })
})

describe('embed lines', () => {
  it.each([
    ['a string', 'one two', { index: 0 }, 2],
    ['text', { id: 'a', text: 'one two' }, { id: 'a' }, 2],
    ['input', { id: 7, input: 'one two' }, { id: 7 }, 2],
    ['parts', { input: [{ type: 'text', text: 'one' }] }, { index: 0 }, 1],
    ['an instruction', { text: 'one', instruction: 'find' }, { index: 0 }, 2],
    ['an empty text', { text: '' }, { index: 0 }, 0],
    ['an empty id', { id: '', text: 'x' }, { id: '' }, 1],
  ])('%s', async (_name, line, name, tokens) => {
    const { lines } = await embedLines(text(line))
    expect(lines).toEqual([{ ...name, embedding: { length: 8 }, usage: usage(tokens) }].map(withLength))
  })

  it('cuts to dimensions and encodes as asked', async () => {
    const { lines } = await embedLines(
      text('a', { text: 'a', dimensions: 2 }, { text: 'a', encoding_format: 'float' }),
      {
        encodingFormat: 'base64',
      },
    )
    const floats = vector(lines[2]!)
    expect(decoded(lines[0]!)).toEqual(floats)
    expect(decoded(lines[1]!)).toEqual(floats.slice(0, 2))
  })
})

describe('order and names', () => {
  it('follows the input, counting only lines that are not blank', async () => {
    const { lines } = await embedLines('"a"\n\n{"id":"x","text":"b"}\r\n   \nnot json\n\n"c"')
    expect(lines.map(({ id, index }) => id ?? index)).toEqual([0, 'x', 2, 3])
  })

  it('names the line of the input in messages', async () => {
    const { lines } = await embedLines('\n\n"a"\n{oops')
    expect(lines[1]).toEqual({
      index: 1,
      error: {
        code: 'REQUEST_SCHEMA',
        message: 'Line 4 is not valid JSON: it is wrong at character 2. Correct the JSON.',
      },
    })
  })

  it('is the same whatever the pieces are that the input comes in', async () => {
    const input = Array.from({ length: 100 }, (_, i) => JSON.stringify(`line ${i}`)).join('\n')
    const chunkLimits = { maxTokens: 20, maxLines: 1000 }
    const whole = await embedLines(input, { chunkLimits })
    const pieces = await embedLines('', { chunkLimits, input: Readable.from([...input].map((c) => Buffer.from(c))) })
    expect(pieces.text).toBe(whole.text)
  })
})

/** Which of the two a field gets is the business of api/. */
const refused = expect.stringMatching(/^REQUEST_(SCHEMA|INVALID)$/)

describe('lines that fail', () => {
  it.each([
    ['not an object', '42', 'line', 'JSON object'],
    ['no text', '{"id":"a"}', 'text', 'missing'],
    ['both', '{"id":"a","text":"x","input":"y"}', 'input', 'not both'],
    ['a list of texts', '{"id":"a","input":["x"]}', 'input[0]', 'the string'],
    ['dimensions', '{"id":"a","text":"x","dimensions":0}', 'dimensions', 'at least 1'],
    ['an id that JSON cannot keep', '{"id":12345678901234567890,"text":"x"}', 'id', '2^53'],
    ['an id that is a list', '{"id":[1],"text":"x"}', 'id', 'a list of 1'],
    ['a removed field', '{"id":"a","text":"x","normalize":true}', 'normalize', 'use_activation'],
  ])('%s', async (_name, line, param, message) => {
    const run = await embedLines(`"before"\n${line}\n"after"`)
    const error = { code: refused, message: expect.stringContaining(message), param }
    expectFailures(run, 1, line.includes('"id":"a"') ? { id: 'a', error } : { index: 1, error })
  })

  it.each([
    ['too long', JSON.stringify('x '.repeat(1001)), 'INPUT_TOO_LONG'],
    ['media', '{"input":[{"type":"image_url","image_url":"u"}]}', 'MEDIA_UNSUPPORTED'],
    ['not finite', '"not finite"', 'RESULT_NOT_FINITE'],
    ['device', '"breaks the device"', 'DEVICE_FAILED'],
    ['nesting', '['.repeat(99), 'REQUEST_SCHEMA'],
  ])('%s', async (_name, line, code) => {
    const engine = tinyEngine({ failing: (each) => each.includes('breaks') })
    const run = await embedLines(`"before"\n${line}\n"after"`, { engine })
    expectFailures(run, 1, { index: 1, error: expect.objectContaining({ code }) })
  })

  it.each([
    ['{"query":"q"}', 'documents'],
    ['{"query":"q","documents":[]}', 'documents'],
    ['{"documents":["a"]}', 'query'],
    ['{"query":"q","documents":["a",{"text":3}]}', 'documents[1].text'],
    ['{"query":"q","documents":["a"],"top_n":-1}', 'top_n'],
    ['"a text"', 'line'],
  ])('%s', async (line, param) => {
    const good = text({ query: 'q', documents })
    const run = await scoreLines(`${good}\n${line}\n${good}`)
    expectFailures(run, 1, { index: 1, error: expect.objectContaining({ code: refused, param }) })
  })

  it('reports each to the caller', async () => {
    const failures: string[] = []
    await embedLines('"a"\n\nx\n"c"', { onLineError: ({ line, error }) => failures.push(`${line} ${error.code}`) })
    expect(failures).toEqual(['3 REQUEST_SCHEMA'])
  })

  it('stops the run when the device fails for every line of a chunk', async () => {
    const engine = tinyEngine({ failing: (each) => each.includes('b') })
    const run = embedLines('"a1"\n"a2"\n"b1"\n"b2"\n"a3"', { engine, chunkLimits: { maxTokens: 99, maxLines: 2 } })
    await expect(run).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
  })
})

describe('strict', () => {
  it.each([
    ['a bad line', '"a"\n"b"\n{oops\n"c"', 2, 'Line 3 is not valid JSON'],
    ['a line that fails later', '"a"\n"not finite"\n"c"', 1, 'Line 2 cannot be answered. The model computed'],
    ['the first line', '3\n"c"', 0, 'Line 1 cannot be answered. `line` is 3.'],
  ])('stops at %s', async (_name, input, written, message) => {
    const output = new Collected()
    await expect(embedLines('', { input: toStream(input), output, strict: true })).rejects.toMatchObject({
      message: expect.stringContaining(message),
    })
    expect(output.text.split('\n')).toHaveLength(written + 1)
  })
})

describe('reports', () => {
  it('progress of every line', async () => {
    const seen: number[] = []
    const { summary } = await embedLines('"a b"\n"c"\nx', {
      onProgress: ({ lines, tokens, bytesRead, totalBytes }) => seen.push(lines, tokens, bytesRead, Number(totalBytes)),
    })
    expect(seen).toEqual([1, 0, 11, Number.NaN, 2, 2, 11, Number.NaN, 3, 3, 11, Number.NaN])
    expect(summary).toMatchObject({ lines: 3, failed: 1, tokens: 3, cachedTokens: 0 })
  })

  it('what went into the model', async () => {
    const records: unknown[] = []
    await scoreLines(text({ query: 'q', documents: ['a', 'b'] }), { onExplain: (record) => records.push(record) })
    expect(records).toEqual([
      {
        line: 1,
        explanations: [
          { prompt: 'q a', ids: [] },
          { prompt: 'q b', ids: [] },
        ],
      },
    ])
  })
})

function expectFailures({ lines, summary }: LinesRun, index: number, expected: object): void {
  expect(lines).toHaveLength(3)
  expect(lines[index]).toEqual(expected)
  for (const other of [0, 2]) expect(lines[other]).not.toHaveProperty('error')
  expect(summary).toMatchObject({ lines: 3, failed: 1 })
}

const withLength = (line: { embedding: object }): object => ({
  ...line,
  embedding: expect.objectContaining(line.embedding),
})

function vector({ embedding }: Record<string, unknown>): number[] {
  if (!Array.isArray(embedding)) throw new TypeError('no vector')
  return embedding.map((value) => Math.fround(Number(value)))
}

function decoded({ embedding }: Record<string, unknown>): number[] {
  const buffer = Buffer.from(String(embedding), 'base64')
  return Array.from({ length: buffer.length / 4 }, (_, i) => buffer.readFloatLE(4 * i))
}
