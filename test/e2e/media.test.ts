// `qvl score` and `qvl embed` on lines with images and videos, against the official scripts.

import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasFfmpeg } from '../support/ffmpeg.js'
import { cosine, floats, goldenPath } from '../support/golden.js'
import { isLossy, mediaCases, needsFfmpeg, type VlGoldenCase } from '../support/vl-cases.js'
import { declaredPng } from './declared-png.js'
import { type Ended, jsonLines, parseLines, qvl, vlEmbedder, vlReranker } from './run-qvl.js'

interface EmbedLine {
  id: string
  embedding: number[]
  usage: { prompt_tokens: number }
}

interface ScoreLine {
  id: string
  results: { index: number; relevance_score: number }[]
  usage: { prompt_tokens: number }
}

interface Failure {
  id: string
  error?: { code: string; message: string; param?: string }
}

/** A folder with the golden images, and one beside it. */
let folder = ''
let media = ''
let outside = ''

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-media-'))
  media = path.join(folder, 'media')
  outside = path.join(folder, 'outside')
  await cp(goldenPath('media'), media, { recursive: true })
  await mkdir(outside)
  await cp(goldenPath('media/rgb_48x48.png'), path.join(outside, 'square.png'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Lines in a file among the images. */
async function inFile(lines: readonly unknown[]): Promise<string> {
  const file = path.join(media, 'in.jsonl')
  await writeFile(file, jsonLines(lines))
  return file
}

const casesOf = (name: string): VlGoldenCase[] =>
  mediaCases(name).filter((example) => example.input.max_length === undefined && (hasFfmpeg || !needsFfmpeg(example)))

describe('the golden cases', () => {
  it('embed', async () => {
    const cases = casesOf('qwen3-vl-embedding')
    expect(cases.length).toBeGreaterThan(10)
    const { code, stdout, stderr } = await qvl([
      'embed',
      await inFile(cases.map(({ id, input }) => ({ id, ...input }))),
      ...['-m', vlEmbedder],
    ])
    expect({ code, errors: stderr.match(/error|warning/g) }).toEqual({ code: 0, errors: null })
    const answers = parseLines<EmbedLine>(stdout)
    expect(answers.map(({ id }) => id)).toEqual(cases.map(({ id }) => id))
    for (const [position, example] of cases.entries()) {
      const { embedding, usage } = answers[position]!
      expect(usage.prompt_tokens).toBe(example.input_ids.length)
      const closeness = cosine(embedding, floats(example.embedding!))
      expect(closeness, example.id).toBeGreaterThan(isLossy(example) ? 0.999 : 0.99999)
    }
  })

  it('score', async () => {
    const cases = casesOf('qwen3-vl-reranker')
    expect(cases.length).toBeGreaterThan(8)
    const lines = cases.map(({ id, input: { query, document, instruction } }) => ({
      id,
      query,
      documents: [document],
      instruction,
    }))
    const { code, stdout, stderr } = await qvl(['score', await inFile(lines), '-m', vlReranker])
    expect({ code, errors: stderr.match(/error|warning/g) }).toEqual({ code: 0, errors: null })
    const answers = parseLines<ScoreLine>(stdout)
    expect(answers.map(({ id }) => id)).toEqual(cases.map(({ id }) => id))
    for (const [position, example] of cases.entries()) {
      const { results, usage } = answers[position]!
      expect(usage.prompt_tokens).toBe(example.input_ids.length)
      const difference = Math.abs(results[0]!.relevance_score - example.score!)
      expect(difference, example.id).toBeLessThan(isLossy(example) ? 5e-3 : 1e-4)
    }
  })
})

describe('forms of one image with a text', () => {
  const image = 'rgba_80x112.png'
  const text = 'a colourful pattern'
  const imagePart = (url: string): object => ({ type: 'image_url', image_url: { url } })
  const parts = [imagePart(image), { type: 'text', text }]
  const golden = () => casesOf('qwen3-vl-embedding').find(({ id }) => id === 'image+text')!

  it('embed to one vector', async () => {
    const absolute = pathToFileURL(path.join(media, image)).href
    const batch = { custom_id: 'a', method: 'POST', url: '/v1/embeddings' }
    const lines = [
      { image, text },
      { image: [image], text: [text] },
      { input: { image, text } },
      { input: { content: parts } },
      { content: parts },
      parts,
      { image: absolute, text },
      { image: path.join(media, image), text },
      { messages: [{ role: 'user', content: parts }] },
      { ...batch, body: { input: [{ content: parts }] } },
      { ...batch, body: { messages: [{ role: 'user', content: parts }] } },
    ]
    const { code, stdout } = await qvl(['embed', await inFile(lines), '-m', vlEmbedder])
    expect(code).toBe(0)
    const vectors = parseLines<Partial<EmbedLine> & Partial<BatchLine>>(stdout).map(
      ({ embedding, response }) => embedding ?? response!.body.data![0]!.embedding,
    )
    expect(vectors).toHaveLength(lines.length)
    for (const vector of vectors) expect(cosine(vector, floats(golden().embedding!))).toBeGreaterThan(0.99999)
  })

  it('from stdin, paths begin at the working directory', async () => {
    const line = jsonLines([{ image, text }])
    const { code, stdout } = await qvl(['embed', '-m', vlEmbedder], line, { cwd: media })
    expect(code).toBe(0)
    const [answer] = parseLines<EmbedLine>(stdout)
    expect(cosine(answer!.embedding, floats(golden().embedding!))).toBeGreaterThan(0.99999)
  })

  it('score to one number, as vLLM and its batch files write them', async () => {
    const example = casesOf('qwen3-vl-reranker').find(({ id }) => id === 'doc-image')!
    const query = 'a colourful circle'
    const batch = { custom_id: 'a', method: 'POST' }
    const document = { content: [imagePart(image)] }
    const lines = [
      { query, documents: [document] },
      { query: { text: query }, documents: document },
      { ...batch, url: '/v1/rerank', body: { query, documents: [document] } },
      { ...batch, url: '/v1/score', body: { queries: query, documents: document } },
    ]
    const template = fileURLToPath(new URL('../prompts/fixtures/tutorial-one-newline.jinja', import.meta.url))
    const flags = ['--runner', 'pooling', '--max-model-len', '4096', '--hf_overrides', vllmOverrides]
    flags.push('--chat-template', template)
    const { code, stdout } = await qvl(['score', await inFile(lines), '-m', vlReranker, ...flags])
    expect(code).toBe(0)
    const scores = parseLines<Partial<ScoreLine> & Partial<BatchLine>>(stdout).map(({ results, response }) => {
      const [ranked] = results ?? response!.body.results ?? []
      return ranked?.relevance_score ?? response!.body.data![0]!.score
    })
    expect(scores).toHaveLength(lines.length)
    for (const score of scores) expect(Math.abs(score! - example.score!)).toBeLessThan(1e-4)
  })
})

/** Of the vLLM tutorial. */
const vllmOverrides =
  '{"architectures":["Qwen3VLForSequenceClassification"],"classifier_from_token":["no","yes"],"is_original_qwen3_reranker":true}'

interface BatchLine {
  response: {
    body: {
      data?: { embedding: number[]; score: number }[]
      results?: { relevance_score: number }[]
    }
  }
}

describe('media that cannot be used', () => {
  it('fail alone, each with its own error', async () => {
    const square = path.join(outside, 'square.png')
    await writeFile(path.join(media, 'page.png'), '<html><body>not found</body></html>')
    await writeFile(path.join(media, 'huge.png'), declaredPng(60_000, 60_000))
    await writeFile(path.join(media, 'strip.png'), declaredPng(1, 20_000))
    await writeFile(path.join(media, 'cut.png'), declaredPng(64, 64))
    let requests = 0
    const server = createServer((_, response) => {
      requests++
      response.end()
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    const bad: [image: string, code: string][] = [
      ['nowhere.png', 'MEDIA_NOT_FOUND'],
      ['page.png', 'MEDIA_INVALID'],
      ['huge.png', 'MEDIA_TOO_LARGE'],
      ['strip.png', 'MEDIA_INVALID'],
      ['cut.png', 'MEDIA_INVALID'],
      ['../outside/square.png', 'MEDIA_BLOCKED'],
      [square, 'MEDIA_BLOCKED'],
      [pathToFileURL(square).href, 'MEDIA_BLOCKED'],
      [`http://127.0.0.1:${port}/a.png`, 'MEDIA_BLOCKED'],
      ['http://169.254.169.254/latest', 'MEDIA_BLOCKED'],
      ['data:image/png;base64,!!!', 'REQUEST_INVALID'],
      ['ftp://localhost/a.png', 'REQUEST_INVALID'],
    ]
    const good = { id: 'good', query: 'a pattern', documents: [{ image: 'rgb_48x48.png' }] }
    const lines = bad.map(([image], index) => ({ id: `${index}`, query: 'a pattern', documents: ['a', { image }] }))
    const ended = await qvl(['score', await inFile([good, ...lines, good]), '-m', vlReranker])
    server.close()
    const [first, ...rest] = parseLines<ScoreLine & Failure>(ended.stdout)
    const last = rest.pop()
    expect(ended.code).toBe(4)
    expect(first!.results).toHaveLength(1)
    expect(last!.results[0]!.relevance_score).toBeCloseTo(first!.results[0]!.relevance_score, 5)
    expect(rest.map(({ error }, index) => [bad[index]![0], error?.code])).toEqual(bad)
    expect(requests).toBe(0)
    for (const { error } of rest.slice(0, 3)) expect(error!.param).toBe('documents[1]')
  })

  it.each<[flags: string[], code: number, failure: string | undefined]>([
    [[], 4, 'MEDIA_BLOCKED'],
    [['--allowed-local-media-path', '@outside'], 0, undefined],
    [['--allowed-local-media-path', '@media', '--allowed-local-media-path', '@outside'], 0, undefined],
    [['--allowed-local-media-path', '@outside', '--limit-mm-per-prompt.image', '0'], 4, 'REQUEST_TOO_LARGE'],
    [['--allowed-local-media-path', '@outside', '--language-model-only'], 4, 'REQUEST_TOO_LARGE'],
  ])('a file elsewhere with %j', async (flags, code, failure) => {
    const args = flags.map((flag) => flag.replace('@outside', outside).replace('@media', media))
    const line = { query: 'a pattern', documents: [{ image: path.join(outside, 'square.png') }] }
    const ended = await qvl(['score', await inFile([line]), '-m', vlReranker, ...args])
    expect(ended.code).toBe(code)
    expect(parseLines<Failure>(ended.stdout)[0]!.error?.code).toBe(failure)
  })
})

describe('flags', () => {
  const tokensWith = async (...flags: string[]): Promise<number> => {
    const file = await inFile([{ image: 'rgb_640x427.webp' }])
    const ended = await qvl(['embed', file, '-m', vlEmbedder, ...flags])
    expect(ended.code).toBe(0)
    return parseLines<EmbedLine>(ended.stdout)[0]!.usage.prompt_tokens
  }

  it('bound the pixels of an image', async () => {
    const whole = await tokensWith()
    const small = await tokensWith('--mm-processor-kwargs', '{"max_pixels": 65536}')
    expect(whole - small).toBeGreaterThan(100)
    expect(await tokensWith('--mm_processor_kwargs.size.longest_edge', '65536')).toBe(small)
  })

  it.each([
    [['--mm-processor-kwargs', '{"max_pixel": 1}'], 'mm_processor_kwargs.max_pixel'],
    [['--allowed-media-networks', '10.0.0.0/99'], '10.0.0.0/99'],
    [['--allowed-local-media-path', 'no such folder'], 'no such folder'],
  ])('%j is refused', async (flags, named) => {
    const ended = await qvl(['embed', '--text', 'a', '-m', vlEmbedder, ...flags])
    expect(ended.code).toBe(2)
    expect(ended.stderr).toContain(named)
  })
})

describe('--explain', () => {
  it('shows an image as the number of its tokens', async () => {
    const example = casesOf('qwen3-vl-reranker').find(({ id }) => id === 'doc-image')!
    const line = { query: example.input.query, documents: [example.input.document] }
    const file = await inFile([line])
    const ended = (flags: string[]): Promise<Ended> => qvl(['score', file, '-m', vlReranker, '--explain', ...flags])
    const { stdout } = await ended([])
    expect(stdout).toContain('<Document>:<|vision_start|><|image_pad|>×8<|vision_end|><|im_end|>')
    expect(stdout).toMatch(/ \d+×8 /)
    const [explained] = parseLines<{ prompt: string; token_ids: number[] }>((await ended(['--json'])).stdout)
    expect(explained!.token_ids).toEqual(example.input_ids)
    expect(explained!.prompt).toContain('<|image_pad|>'.repeat(8))
  })
})
