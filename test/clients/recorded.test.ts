// The examples of clients that are not among the packages of this repository (```js run=recorded:NAME): what they sent
// was recorded into recorded/NAME.json, and is sent again. To record an example in JavaScript after a change, install its
// packages in some folder and name that: QVL_RECORD=FOLDER npx vitest run test/clients/recorded.test.ts,
// then npm run format.

import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fencesOf, pagesAt } from '../repository/pages.js'
import { runnerOf } from '../repository/runners.js'
import { type ServerProcess, startServer } from '../support/server.js'
import { type Recording, readRecording, record, type SentRequest } from './recording.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packages = process.env.QVL_RECORD
const examples = pagesAt(root).flatMap((page) =>
  fencesOf(page)
    .filter((fence) => runnerOf(fence, page) === 'clients/recorded.test.ts')
    .map(({ language, line, run = '', text }) => ({ page: page.path, line, language, name: run.split(':')[1]!, text })),
)

const models = {
  'Qwen/Qwen3-Embedding-0.6B': 'qwen3-embedding',
  'Qwen/Qwen3-Reranker-0.6B': 'qwen3-reranker',
} as const
const servers = new Map<string, ServerProcess>()
beforeAll(async () => {
  for (const [name, checkpoint] of Object.entries(models))
    servers.set(name, await startServer(checkpoint, { args: ['--served-model-name', name] }))
})
afterAll(async () => {
  await Promise.all([...servers.values()].map((server) => server.stop()))
})

describe.runIf(packages)('recording', () => {
  it.each(examples.filter(({ language }) => language === 'js'))('$name', async ({ name, text }) => {
    const model = Object.keys(models).find((each) => text.includes(each))!
    const printed = await record(name, text, { url: servers.get(model)!.url, packages: packages! })
    expect(printed).toEqual(printedIn(text))
  })
})

/** What an example says that it prints. */
const printedIn = (text: string): string[] =>
  [...text.matchAll(/^console\.log\(.*\) \/\/ (.*)$/gm)].map((match) => match[1]!)

describe('recorded examples', () => {
  it('are all of the recordings', () => {
    const files = readdirSync(new URL('recorded', import.meta.url)).map((file) => file.replace('.json', ''))
    expect(examples.map(({ name }) => name).sort()).toEqual(files.sort())
  })

  it.each(examples)('$page:$line $name', async ({ name, text }) => {
    const recording = readRecording(name)
    expect(recording.example.join('\n')).toBe(text)
    expect(recording.requests.length).toBeGreaterThan(0)
    for (const request of recording.requests) await send(recording, request)
  })
})

interface Answer {
  results?: unknown[]
  data?: { embedding: string | number[] }[]
}

async function send({ client }: Recording, { path, body }: SentRequest): Promise<void> {
  const response = await servers.get(body.model)!.post(path, body)
  const answer: Answer = JSON.parse(await response.text())
  expect(response.status, `${client}: ${JSON.stringify(answer)}`).toBe(200)
  if ('query' in body) expectRanks(answer, body)
  else expectVectors(answer, body)
}

function expectRanks({ results }: Answer, { documents = [], top_n = documents.length }: SentRequest['body']): void {
  expect(results).toHaveLength(Math.min(documents.length, top_n))
  for (const result of results ?? [])
    expect(result).toMatchObject({ index: expect.any(Number), relevance_score: expect.any(Number) })
}

function expectVectors({ data }: Answer, { input = [], encoding_format }: SentRequest['body']): void {
  expect(data).toHaveLength(input.length)
  for (const { embedding } of data ?? []) {
    const isText = typeof embedding === 'string'
    expect(isText).toBe(encoding_format === 'base64')
    const numbers = isText ? [...new Float32Array(Uint8Array.from(Buffer.from(embedding, 'base64')).buffer)] : embedding
    expect(numbers).not.toHaveLength(0)
    expect(numbers.every(Number.isFinite)).toBe(true)
  }
}
