// The parts of the page at / that need no browser: requests, snippets, numbers, and the files it is made of.

import { execFileSync, spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { messageOf } from '#qvl/server/pages/playground/client.js'
import { type Draft, draftFrom, draftText, exampleDraft, requestOf } from '#qvl/server/pages/playground/draft.js'
import { readMedia, sentBytes } from '#qvl/server/pages/playground/media.js'
import { collapsedRuns, errorParts, scoreText, similarities, timingText } from '#qvl/server/pages/playground/numbers.js'
import { pageShell } from '#qvl/server/pages/playground/shell.js'
import { shortened, snippet } from '#qvl/server/pages/playground/snippets.js'

const hasPython = spawnSync('python3', ['--version']).status === 0

const url = `data:image/png;base64,${'A'.repeat(4000)}`
const image = { kind: 'image', name: 'a.png', url } as const
const draft: Draft = {
  query: { text: 'q', media: [] },
  instruction: ' Find it. ',
  items: [
    { text: 'a', media: [] },
    { text: ' ', media: [] },
    { text: '', media: [image] },
  ],
}
const imagePart = { type: 'image_url', image_url: { url } }

describe('requests', () => {
  it('rank the cards that are not empty', () => {
    expect(requestOf('score', draft, 'm')).toEqual({
      path: 'v1/rerank',
      sent: [0, 2],
      body: {
        ...{ model: 'm', query: 'q', instruction: 'Find it.', return_documents: false },
        documents: ['a', { content: [imagePart] }],
      },
    })
  })

  it('embed, with an instruction as a conversation', () => {
    const system = { role: 'system', content: 'Find it.' }
    const user = (content: unknown) => ({ role: 'user', content })
    expect(requestOf('embed', draft, 'm').body).toEqual({
      model: 'm',
      messages: [
        [system, user([{ type: 'text', text: 'a' }])],
        [system, user([imagePart])],
      ],
    })
    expect(requestOf('embed', { ...draft, instruction: '' }, 'm').body).toEqual({
      model: 'm',
      input: ['a', { content: [imagePart] }],
    })
  })

  it('are kept without media', () => {
    const kept = draftFrom(draftText(draft))
    expect(kept?.items.map(({ text, media }) => [text, media.length])).toEqual([
      ['a', 0],
      [' ', 0],
      ['', 0],
    ])
    expect([draftFrom(null), draftFrom('{}'), draftFrom('{"query":1,"instruction":"","items":[]}')]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })
})

describe('files', () => {
  it('become data: URLs', async () => {
    const file = new File([new Uint8Array([1, 2, 3, 4])], 'a.png', { type: 'image/png' })
    expect(await readMedia(file, 100)).toEqual({ kind: 'image', name: 'a.png', url: 'data:image/png;base64,AQIDBA==' })
    expect(sentBytes(4)).toBe(8)
  })

  it.each([
    ['a.svg', 'image/svg+xml', 100, 'a.svg was not added. It is image/svg+xml'],
    ['a.png', 'image/png', 3, '--max-body-bytes'],
  ])('%s of %s within %i bytes is refused in words', async (name, type, maxBytes, words) => {
    await expect(readMedia(new File(['abcd'], name, { type }), maxBytes)).rejects.toThrow(words)
  })
})

describe('snippets', () => {
  const body = {
    query: `it's "q" \\ \n$HOME`,
    documents: [`\`x\``, 'é😀'],
    return_documents: false,
    none: null,
    empty: [],
  }
  const request = { path: 'v1/rerank', body }
  const options = { base: 'http://localhost:8000/', keyed: true }

  it('in JavaScript, hold the request', async () => {
    const asked: unknown[] = []
    const code = snippet('javascript', request, options)
    expect(code).toContain('Bearer $' + '{process.env.QVL_API_KEY}')
    const run = new Function('fetch', 'process', `return (async () => {${code}})()`)
    const fetch = async (at: string, { body: sent }: { body: string }) => {
      asked.push(at, JSON.parse(sent))
      return { json: async () => ({}) }
    }
    await run(fetch, { env: { QVL_API_KEY: 'k' } })
    expect(asked).toEqual(['http://localhost:8000/v1/rerank', body])
  })

  it.skipIf(!hasPython)('in Python, hold the request', () => {
    const code = snippet('python', request, { ...options, keyed: false })
    const printing = `import sys, types, json
class Answer:
    def json(self): return None
def post(url, json): sys.stdout.write(__import__("json").dumps(json)); return Answer()
sys.modules["requests"] = types.SimpleNamespace(post=post)
`
    const out = execFileSync('python3', ['-c', `${printing}\n${code}`], { encoding: 'utf8' })
    expect(JSON.parse(out.split('None')[0]!)).toEqual(body)
    expect(snippet('python', request, options)).toContain(`{os.environ['QVL_API_KEY']}`)
  })

  it('are shown short', () => {
    const text = JSON.stringify(shortened({ documents: [{ content: [imagePart] }], query: 'q' }))
    expect(text.length).toBeLessThan(300)
    expect(text).toContain('copied in full')
  })
})

describe('numbers and words', () => {
  it('similarities', () => {
    expect(
      similarities([
        [3, 4],
        [0, 2],
        [0, 0],
      ]),
    ).toEqual([
      [1, 0.8, 0],
      [0.8, 1, 0],
      [0, 0, 0],
    ])
  })

  it.each([
    [
      '<|vision_start|><|image_pad|><|image_pad|><|image_pad|><|vision_end|>',
      '<|vision_start|><|image_pad|> × 3 <|vision_end|>',
    ],
    ['<|im_end|><|im_end|>', '<|im_end|><|im_end|>'],
  ])('the prompt %s', (prompt, expected) => {
    expect(collapsedRuns(prompt)).toBe(expected)
  })

  it.each([
    [0.5, '0.5000'],
    [0, '0.0000'],
    [0.00001234, '1.23e-5'],
    [-3.5, '-3.5000'],
  ])('the score %f', (score, expected) => {
    expect(scoreText(score)).toBe(expected)
  })

  it('times and errors', () => {
    expect(timingText('tokenise;dur=0.71, run;dur=12')).toBe('tokenise 0.7 ms · run 12.0 ms')
    expect(errorParts('It is long. It may be 8. Cut it.')).toEqual({
      what: 'It is long.',
      rest: 'It may be 8. Cut it.',
    })
    expect(errorParts('No')).toEqual({ what: 'No', rest: '' })
    expect(['Unauthorized', { message: 'Bad.' }].map((error) => messageOf({ error }))).toEqual(['Unauthorized', 'Bad.'])
    expect(messageOf({ status: 'loading', why: 'Packing.' })).toBe('Packing.')
    expect(messageOf('x')).toBe('The server refused the request.')
  })
})

describe('the shell', () => {
  const shell = pageShell({ version: '<1>', documentation: true })

  it('loads nothing from elsewhere and runs nothing written in it', () => {
    const addresses = [...shell.matchAll(/(?:src|href)="([^"]*)"/g)].map((match) => match[1])
    expect(addresses.sort()).toEqual(['#form', 'data:,', 'docs', 'metrics', 'page/main.js', 'page/style.css'])
    expect(shell).not.toMatch(/<[^>]*\son\w+=|<style|style="|<script>|javascript:|<1>/)
    expect(pageShell({ version: '1', documentation: false })).not.toContain('href="docs"')
  })

  it('labels what it has', () => {
    const fields = [...shell.matchAll(/<(?:textarea|input) id="([^"]*)"/g)].map((match) => match[1])
    expect(fields.map((id) => shell.includes(`<label for="${id}">`))).toEqual([true, true])
    expect(exampleDraft('embed').items).toHaveLength(3)
  })
})
