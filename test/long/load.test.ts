// 64 clients for a minute of embeddings and reranks: every answer is right, and the servers are left as they were.

import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openEngine } from '#qvl/engine/engine.js'
import { goldenPath, maxDifference } from '../support/golden.js'
import { random } from '../support/random.js'
import { type ServerProcess, startServer, until, usageOf } from '../support/server.js'

const numClients = 64
const seconds = 60
/** Different requests of each kind; the clients pick among them. */
const poolSize = 200
/** What a batch around a text may change in float32. */
const tolerance = 1e-5
/** Clients give up after a minute or two. All requests are equal, so none should wait for many rounds of the others. */
const maxP99Ms = 30_000
/** Caches fill at first; memory is compared from here on. */
const warmSeconds = 20
/** Over the time after that. An allocator keeps some slack; a leak of 1 KiB per request would be more. */
const maxGrowthMiB = 32

const words = 'red old small castle bicycle recipe camera ocean reset password account 東京 日本 café 12.50 🚲'.split(
  ' ',
)
const next = random(64)
const pick = <T>(list: readonly T[]): T => list[next() % list.length]!
const text = (maxWords: number): string => Array.from({ length: 1 + (next() % maxWords) }, () => pick(words)).join(' ')
const texts = (maxTexts: number, maxWords: number): string[] =>
  Array.from({ length: 1 + (next() % maxTexts) }, () => text(maxWords))

/** A request and the numbers that must come back, in a row. */
interface Asked {
  kind: Kind
  path: string
  body: string
  expected: readonly number[]
  read: (answer: unknown) => readonly number[]
}

type Kind = 'embed' | 'rerank'
const kinds: readonly Kind[] = ['embed', 'rerank']
const servers = {} as Record<Kind, ServerProcess>
let pool: Asked[]
beforeAll(async () => {
  servers.embed = await startServer('qwen3-embedding', { args: ['--disable-log-requests'] })
  servers.rerank = await startServer('qwen3-reranker')
  pool = [...(await embeddings()), ...(await reranks())]
})
afterAll(() => Promise.all(Object.values(servers).map((each) => each.stop())))

async function embeddings(): Promise<Asked[]> {
  await using engine = await openEngine({ model: goldenPath('checkpoints/qwen3-embedding'), dtype: 'float32' })
  const inputs = Array.from({ length: poolSize }, () => texts(8, 60))
  const vectors = inputs.map((input) => Promise.all(input.map((content) => engine.embed({ content }))))
  return (await Promise.all(vectors)).map((each, index) => ({
    kind: 'embed',
    path: '/v1/embeddings',
    body: JSON.stringify({ input: inputs[index] }),
    expected: each.flatMap(({ vector }) => [...vector]),
    read: (answer) => (answer as { data: { embedding: number[] }[] }).data.flatMap(({ embedding }) => embedding),
  }))
}

async function reranks(): Promise<Asked[]> {
  await using engine = await openEngine({ model: goldenPath('checkpoints/qwen3-reranker'), dtype: 'float32' })
  const requests = Array.from({ length: poolSize }, () => ({ query: text(12), documents: texts(12, 60) }))
  const scores = await Promise.all(requests.map((request) => engine.score(request)))
  return scores.map((each, index) => ({
    kind: 'rerank',
    path: '/v1/rerank',
    body: JSON.stringify(requests[index]),
    expected: each.scores,
    read: (answer) =>
      (answer as { results: { index: number; relevance_score: number }[] }).results
        .sort((a, b) => a.index - b.index)
        .map((result) => result.relevance_score),
  }))
}

interface Reading {
  at: number
  residentMiB: number
}

interface Tally {
  milliseconds: number[]
  scrapes: number[]
  wrong: string[]
}

/** One request after the other until the time is over. */
async function client(deadline: number, tally: Tally): Promise<void> {
  while (performance.now() < deadline) {
    const asked = pick(pool)
    const started = performance.now()
    const response = await fetch(servers[asked.kind].url + asked.path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: asked.body,
    })
    const answer: unknown = await response.json()
    tally.milliseconds.push(performance.now() - started)
    const difference = response.ok ? maxDifference(asked.read(answer), asked.expected) : Number.NaN
    if (!(difference <= tolerance)) tally.wrong.push(`${response.status} ${difference} ${asked.body.slice(0, 100)}`)
  }
}

/** What an operator looks at meanwhile. */
async function watch(deadline: number, readings: Record<Kind, Reading[]>, tally: Tally): Promise<void> {
  while (performance.now() < deadline) {
    for (const kind of kinds) {
      readings[kind].push({ at: performance.now(), residentMiB: usageOf(servers[kind].pid).residentMiB })
      const started = performance.now()
      const response = await fetch(`${servers[kind].url}/metrics`)
      await response.text()
      tally.scrapes.push(performance.now() - started)
    }
    await sleep(1000)
  }
}

const quantile = (values: readonly number[], share: number): number =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))]!

it(`${numClients} clients for ${seconds} s`, async () => {
  const filesOf = (kind: Kind): number => usageOf(servers[kind].pid).files
  const before = { embed: filesOf('embed'), rerank: filesOf('rerank') }
  const tally: Tally = { milliseconds: [], scrapes: [], wrong: [] }
  const readings: Record<Kind, Reading[]> = { embed: [], rerank: [] }
  const started = performance.now()
  const deadline = started + seconds * 1000
  const clients = Array.from({ length: numClients }, () => client(deadline, tally))
  await Promise.all([...clients, watch(deadline, readings, tally)])

  const { milliseconds, scrapes, wrong } = tally
  const ms = (values: readonly number[]): string =>
    [0.5, 0.99, 1].map((share) => quantile(values, share).toFixed(0)).join(' / ')
  console.info(
    `${milliseconds.length} requests, median / p99 / longest ${ms(milliseconds)} ms; /metrics ${ms(scrapes)} ms`,
  )
  expect(wrong.slice(0, 5)).toEqual([])
  expect(milliseconds.length).toBeGreaterThan(numClients)
  expect(quantile(milliseconds, 0.99)).toBeLessThan(maxP99Ms)
  for (const kind of kinds) {
    const late = readings[kind]
      .filter(({ at }) => at > started + warmSeconds * 1000)
      .map(({ residentMiB }) => residentMiB)
    const half = Math.floor(late.length / 2)
    const growth = quantile(late.slice(half), 0.5) - quantile(late.slice(0, half), 0.5)
    console.info(`${kind}: ${late.at(-1)?.toFixed(0)} MiB, grew by ${growth.toFixed(1)} MiB`)
    expect(growth, `${kind} grows`).toBeLessThan(maxGrowthMiB)
    // Connections that wait for a next request are closed after a while.
    await until(() => filesOf(kind) <= before[kind], 30_000)
    const response = await fetch(`${servers[kind].url}/load`)
    expect(await response.json()).toEqual({ server_load: 0 })
  }
})
