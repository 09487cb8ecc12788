import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { DatasetOptions } from '#qvl/bench/datasets/dataset.js'
import { expectRefused, jsonLines, real, requestsOf, temporaryFile, tiny } from './tokenizers.js'

const message = 'What is <b>this</b>?\nTell me.'

describe('custom', () => {
  const path = temporaryFile('rows.jsonl', jsonLines([...Array(10).keys()].map((i) => ({ prompt: `p${i}` }))))
  // By CPython: random.seed(seed); random.shuffle(rows), and random.seed(seed); random.choice(requests) four times.
  const seed3 = ['p1', 'p5', 'p6', 'p0', 'p9', 'p4', 'p7', 'p2', 'p8', 'p3']
  const seed0 = ['p7', 'p8', 'p1', 'p5', 'p3', 'p4', 'p2', 'p0', 'p9', 'p6']
  const inOrder = [...Array(10).keys()].map((i) => `p${i}`)

  it.each<[options: Partial<DatasetOptions>, prompts: string[]]>([
    [{ seed: 3, numPrompts: 10 }, seed3],
    [{ numPrompts: 4 }, seed0.slice(0, 4)],
    [{ numPrompts: 0 }, seed0],
    [{ numPrompts: -1, disableShuffle: true }, inOrder],
    [{ seed: 3, numPrompts: 14 }, [...seed3, 'p0', 'p3', 'p8', 'p6']],
    [{ seed: 3, numPrompts: 14, noOversample: true }, seed3],
  ])('%j', async (options, prompts) => {
    const requests = await requestsOf({
      name: 'custom',
      datasetPath: path,
      tokenizer: tiny,
      skipChatTemplate: true,
      ...options,
    })
    expect(requests.map(({ prompt }) => prompt)).toEqual(prompts)
  })

  const turn = `<|im_start|>user\n${message}<|im_end|>\n<|im_start|>assistant\n`
  const noThink = '<think>\n\n</think>\n\n'
  it.each<[options: Partial<DatasetOptions>, prompt: string, promptLen: number]>([
    [{ tokenizer: real }, turn, 20],
    [{ tokenizer: real, chatTemplateKwargs: { enable_thinking: false } }, turn + noThink, 24],
    [{ tokenizer: real, skipChatTemplate: true }, message, 12],
    [{ tokenizer: tiny, skipChatTemplate: true }, message, 17],
    [{}, message, 1],
  ])('applies the chat template as transformers: case %#', async (options, prompt, promptLen) => {
    const datasetPath = temporaryFile('one.jsonl', jsonLines([{ prompt: message }]))
    const requests = await requestsOf({ name: 'custom', datasetPath, numPrompts: 1, ...options })
    expect(requests).toEqual([{ prompt, promptLen }])
  })

  it('takes queries with documents, and whatever else they bring', async () => {
    const image = {
      content: [
        { type: 'image_url', image_url: { url: 'http://x/y.png' } },
        { type: 'text', text: 'b' },
      ],
    }
    const rows = [
      { query: 'q', documents: ['a', 'b c'] },
      { query: 'q', documents: ['a'], top_n: 1, instruction: 'i', output_tokens: 3 },
      { query: { text: 'q' }, documents: [image] },
    ]
    const datasetPath = temporaryFile('pairs.jsonl', jsonLines(rows))
    const requests = await requestsOf({ name: 'custom', datasetPath, numPrompts: 0, disableShuffle: true })
    expect(requests).toEqual([
      { prompt: ['q', 'a', 'b c'], promptLen: 4 },
      { prompt: ['q', 'a'], promptLen: 2, body: { top_n: 1, instruction: 'i' } },
      { prompt: ['q', 'b'], promptLen: 2, body: { query: { text: 'q' }, documents: [image] } },
    ])
  })

  it.each<[content: string, code: string, words: RegExp]>([
    ['', 'REQUEST_INVALID', /no row/],
    ['\n \n', 'REQUEST_INVALID', /no row/],
    ['{"prompt": "a"}\n{"prompt": ', 'REQUEST_INVALID', /Line 2 .* not JSON/],
    ['["a"]', 'REQUEST_INVALID', /not a JSON object/],
    ['{"text": "a"}', 'REQUEST_INVALID', /no `prompt`/],
    ['{"query": "a"}', 'REQUEST_INVALID', /needs `documents`/],
    ['{"query": "a", "documents": []}', 'REQUEST_INVALID', /not empty/],
    ['{"query": "a", "documents": [1]}', 'REQUEST_INVALID', /strings or content objects/],
  ])('refuses %j', async (content, code, words) => {
    const datasetPath = temporaryFile('bad.jsonl', content)
    await expectRefused({ name: 'custom', datasetPath, disableShuffle: true }, code, '--dataset-path', words)
  })

  it('refuses bytes that are not UTF-8', async () => {
    const datasetPath = temporaryFile('latin.jsonl', Buffer.from('{"prompt": "a"}\n{"prompt": "caf\xe9"}\n', 'latin1'))
    await expectRefused({ name: 'custom', datasetPath }, 'REQUEST_INVALID', '--dataset-path', /not UTF-8/)
  })

  it('refuses a file that is not there, and a tokenizer without a template', async () => {
    const gone = join(dirname(path), 'gone.jsonl')
    await expectRefused({ name: 'custom', datasetPath: gone }, 'INPUT_UNREADABLE', '--dataset-path', /cannot be read/)
    const options = { name: 'custom', datasetPath: path, tokenizer: tiny } as const
    await expectRefused(options, 'USAGE', '--skip-chat-template', /no chat template/)
  })
})

describe('custom_image', async () => {
  const png = await sharp({ create: { width: 3, height: 2, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const file = temporaryFile('a picture.png', png)
  const inline = `data:image/png;base64,${png.toString('base64')}`
  const options = { name: 'custom_image', numPrompts: 0, disableShuffle: true } as const

  const part = (url: string) => ({ type: 'image_url', image_url: { url } })

  it.each<[ensure: boolean, url: string]>([
    [false, `file://${file}`],
    [true, inline],
  ])('images beside a prompt, client side data %s', async (customEnsureClientSideData, url) => {
    const datasetPath = temporaryFile('images.jsonl', jsonLines([{ prompt: 'see', image_files: [file, inline] }]))
    expect(await requestsOf({ ...options, datasetPath, customEnsureClientSideData })).toEqual([
      { prompt: 'see', promptLen: 1, media: [part(url), part(inline)] },
    ])
  })

  it('content keeps its order and the fields of its images', async () => {
    const content = [
      { type: 'text', text: 'a ' },
      { type: 'image', image: 'http://x/1.png' },
      { type: 'text', text: 'b' },
      { type: 'image_url', image_url: { url: file, detail: 'low' } },
    ]
    const datasetPath = temporaryFile('content.jsonl', jsonLines([{ content }]))
    const [request] = await requestsOf({ ...options, datasetPath, tokenizer: tiny })
    expect(request).toEqual({
      prompt: 'a b',
      promptLen: tiny.count('a b'),
      content: [
        content[0],
        part('http://x/1.png'),
        content[2],
        { type: 'image_url', image_url: { url: `file://${file}`, detail: 'low' } },
      ],
    })
  })

  it('fetches images from a server', async () => {
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/a.png' ? 200 : 404
      response.end(png)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const row = (name: string) => jsonLines([{ prompt: 'p', image_files: [`http://127.0.0.1:${port}/${name}`] }])
      const fetched = { ...options, customEnsureClientSideData: true }
      const there = await requestsOf({ ...fetched, datasetPath: temporaryFile('there.jsonl', row('a.png')) })
      expect(there[0]!.media).toEqual([part(inline)])
      const gone = requestsOf({ ...fetched, datasetPath: temporaryFile('gone.jsonl', row('b.png')) })
      await expect(gone).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  it.each<[row: object, code: string]>([
    [{ prompt: 'a' }, 'REQUEST_INVALID'],
    [{ prompt: 'a', image_files: [] }, 'REQUEST_INVALID'],
    [{ content: [] }, 'REQUEST_INVALID'],
    [{ content: [{ type: 'audio' }] }, 'REQUEST_INVALID'],
    [{ content: [{ type: 'image_url', image_url: {} }] }, 'REQUEST_INVALID'],
    [{ prompt: 'a', image_files: ['/nowhere/x.png'] }, 'INPUT_UNREADABLE'],
    [{ prompt: 'a', image_files: [temporaryFile('x.png', 'no image')] }, 'MEDIA_UNSUPPORTED'],
  ])('refuses %j', async (row, code) => {
    const datasetPath = temporaryFile('bad.jsonl', jsonLines([row]))
    const refused = requestsOf({ ...options, datasetPath, customEnsureClientSideData: true })
    await expect(refused).rejects.toMatchObject({ code })
  })
})

describe('sharegpt', () => {
  const words = ['the', 'quick', 'brown', 'fox', 'jumps', 'over', 'a', 'lazy', 'dog', 'and', 'so', 'on']
  const text = (count: number, step: number): string =>
    Array.from({ length: count }, (_, i) => words[(i * step + count) % 12]).join(' ')
  const entries = Array.from({ length: 24 }, (_, i) => {
    if (i === 8) return { id: 'e8', note: 'no conversations' }
    const turns = [{ value: text(i === 20 ? 1200 : 1 + i * 9, 1 + i) }, { value: text(2 + i * 5, 3 + i) }]
    const first = i % 7 === 3 ? turns.slice(0, 1) : turns
    const conversations = i % 5 === 0 ? [...first, { value: 'more' }] : first
    return i === 4 ? { id: `e${i}`, conversations, image: '/data/cat.png' } : { id: `e${i}`, conversations }
  })
  const ids = new Map(entries.map(({ id, conversations }) => [conversations?.[0]?.value, id]))
  const datasetPath = temporaryFile('share.json', JSON.stringify(entries, undefined, 1))

  // By CPython, following vLLM's ShareGPTDataset, with transformers' token counts.
  it.each<[options: Partial<DatasetOptions>, expected: string]>([
    [{ seed: 1, numPrompts: 5 }, 'e23 625 e22 369 e13 218 e6 103 e11 301'],
    [
      { seed: 2, numPrompts: 30 },
      'e12 201 e23 625 e9 151 e16 267 e14 286 e19 346 e7 130 e21 349 e15 274 e4 69 e18 301 e5 93 e11 301 e6 103 e13 218 ' +
        'e22 369 e2 43 e1 20 e23 625 e9 151 e9 151 e5 93 e19 346 e4 69 e15 274 e7 130 e23 625 e19 346 e6 103 e11 301',
    ],
    [
      { seed: 1, numPrompts: 30, noOversample: true, sharegptOutputLen: 1 },
      'e23 625 e22 369 e13 218 e6 103 e11 301 e16 267 e1 20 e19 346 e7 130 e12 201 e15 274 e9 151 e14 286 e18 301 e4 69 ' +
        'e10 171 e2 43 e21 349 e5 93',
    ],
    [{ seed: 5, numPrompts: 30, noOversample: true, sharegptOutputLen: 2000 }, 'e1 20 e2 43'],
  ])('%j', async (options, expected) => {
    const requests = await requestsOf({ name: 'sharegpt', datasetPath, tokenizer: tiny, ...options })
    expect(requests.map(({ prompt, promptLen }) => `${ids.get(String(prompt))} ${promptLen}`).join(' ')).toBe(expected)
    const withMedia = requests.filter(({ media }) => media !== undefined)
    for (const { prompt, media } of withMedia) {
      expect(ids.get(String(prompt))).toBe('e4')
      expect(media).toEqual([{ type: 'image_url', image_url: { url: 'file:///data/cat.png' } }])
    }
  })

  it('reads a list across chunks, with brackets and quotes in its strings', async () => {
    const odd = 'a ] b } "c" \\" [ {, é漢😀 '.repeat(8)
    const many = Array.from({ length: 3000 }, (_, i) => ({
      conversations: [{ value: `${odd}${i}` }, { value: odd }],
      filler: 'x'.repeat(1000),
    }))
    const path = temporaryFile('many.json', ` \n${JSON.stringify(many)}\n`)
    const options = {
      name: 'sharegpt',
      datasetPath: path,
      tokenizer: tiny,
      numPrompts: 40,
      disableShuffle: true,
    } as const
    const requests = await requestsOf({ ...options, sharegptOutputLen: 8 })
    expect(requests.map(({ prompt }) => prompt)).toEqual(Array.from({ length: 40 }, (_, i) => `${odd}${i}`))
  })

  it.each<[content: string, words: RegExp]>([
    ['[]', /no row/],
    ['', /not a JSON list/],
    ['[{"conversations": []}', /not a JSON list/],
    ['[{]', /not a JSON list/],
    ['[{"conversations": [{"value": "a"}, {"value": "b"}]}]', /no row/],
  ])('refuses %s', async (content, words) => {
    const path = temporaryFile('bad.json', content)
    await expectRefused(
      { name: 'sharegpt', datasetPath: path, tokenizer: tiny },
      'REQUEST_INVALID',
      '--dataset-path',
      words,
    )
  })
})
