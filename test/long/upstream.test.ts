// A minute of load on replicas that are killed and started again in turn, or that freeze: every request is answered, and
// rightly.

import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { metric } from '../e2e/upstream-fleet.js'
import { maxDifference } from '../support/golden.js'
import { random } from '../support/random.js'
import { type Checkpoint, type ServerProcess, startServer, until, usageOf } from '../support/server.js'

const name = 'the-model'
const numReplicas = 3
const numClients = 16
const seconds = 60
/** What a batch around a text may change in float32. */
const tolerance = 1e-5
/** Between a kill and the next: longer than a start takes, so that one replica is always up. */
const betweenKillsMs = 2_000

interface Asked {
  path: string
  body: object
  /** The numbers of an answer. */
  read(answer: Answer): readonly number[]
}

interface Answer {
  data: { embedding: number[] }[]
  results: { index: number; relevance_score: number }[]
}

const next = random(9)
const words = 'red old small castle bicycle recipe camera ocean reset password account'.split(' ')
const text = (): string => Array.from({ length: 1 + (next() % 40) }, () => words[next() % words.length]!).join(' ')
const texts = (): string[] => Array.from({ length: 1 + (next() % 40) }, text)

const embeddings = (): Asked => ({
  path: '/v1/embeddings',
  body: { input: texts() },
  read: ({ data }) => data.flatMap(({ embedding }) => embedding),
})

const rerank = (): Asked => ({
  path: '/v1/rerank',
  body: { query: text(), documents: texts() },
  read: ({ results }) => results.toSorted((a, b) => a.index - b.index).map((each) => each.relevance_score),
})

const replica = (checkpoint: Checkpoint, port = 0): Promise<ServerProcess> =>
  startServer(checkpoint, { args: ['--port', String(port), '--served-model-name', name, '--disable-log-requests'] })

it.each<[Checkpoint, () => Asked]>([
  ['qwen3-embedding', embeddings],
  ['qwen3-reranker', rerank],
])('%s', async (checkpoint, ask) => {
  const replicas = await Promise.all(Array.from({ length: numReplicas }, () => replica(checkpoint)))
  try {
    const pool = Array.from({ length: 40 }, ask)
    const expected = await Promise.all(pool.map((each) => numbers(replicas[0]!, each)))
    const urls = replicas.map(({ url }) => url).join(',')
    const args = ['--upstream', urls, '--served-upstream-model', name, '--disable-log-requests']
    await using front = await startServer(checkpoint, { args })
    const filesBefore = usageOf(front.pid).files
    const end = performance.now() + seconds * 1000
    const load = clientsOf(front, { pool, expected, isOver: () => performance.now() >= end })
    const [numKills] = await Promise.all([killInTurn(replicas, checkpoint, end), load.ended])
    const numAnswers = load.answered()
    console.info(`${checkpoint}: ${numAnswers} requests answered, ${numKills} replicas killed`)
    expect(numKills).toBeGreaterThan(numReplicas)
    expect(numAnswers).toBeGreaterThan(seconds)
    // Connections of replicas that died are closed.
    await until(() => usageOf(front.pid).files <= filesBefore + numReplicas * 9)
  } finally {
    await Promise.all(replicas.map((one) => one.stop()))
  }
})

it('a replica that freezes loses its calls to another, and gets new ones when it goes on', async () => {
  const checkpoint = 'qwen3-embedding'
  await using frozen = await replica(checkpoint)
  await using other = await replica(checkpoint)
  const args = ['--upstream', `${frozen.url},${other.url}`, '--served-upstream-model', name, '--disable-log-requests']
  await using front = await startServer(checkpoint, { args })
  const pool = Array.from({ length: 20 }, embeddings)
  const expected = await Promise.all(pool.map((each) => numbers(other, each)))
  let isOver = false
  const load = clientsOf(front, { pool, expected, isOver: () => isOver })
  await until(() => load.answered() > numClients)
  frozen.kill('SIGSTOP')
  // Longer than three questions for its health take.
  await Promise.race([load.ended, sleep(25_000)])
  expect(await metric(front, 'qvl_replica_failures_total')).toBeGreaterThan(0)
  frozen.kill('SIGCONT')
  await front.logged(new RegExp(`:${frozen.port}/? is ready`))
  isOver = true
  await load.ended
  console.info(`${load.answered()} requests answered around a replica that was frozen`)
})

interface Load {
  pool: readonly Asked[]
  /** The numbers of each. */
  expected: readonly (readonly number[])[]
  isOver(): boolean
}

/** Each asks again as soon as it is answered; a request that fails, or has other numbers, rejects `ended`. */
function clientsOf(front: ServerProcess, { pool, expected, isOver }: Load) {
  let numAnswers = 0
  const client = async (): Promise<void> => {
    while (!isOver()) {
      const index = next() % pool.length
      expect(maxDifference(await numbers(front, pool[index]!), expected[index]!)).toBeLessThan(tolerance)
      numAnswers++
    }
  }
  const ended = Promise.all(Array.from({ length: numClients }, client))
  return { ended, answered: () => numAnswers }
}

/** Each new process takes the place and the port of the one that was killed. */
async function killInTurn(replicas: ServerProcess[], checkpoint: Checkpoint, end: number): Promise<number> {
  let numKills = 0
  for (; performance.now() < end; numKills++) {
    const index = numKills % replicas.length
    const old = replicas[index]!
    const { port } = old
    old.kill('SIGKILL')
    await old.ended
    await sleep(200)
    replicas[index] = await replica(checkpoint, port)
    await sleep(betweenKillsMs)
  }
  return numKills
}

async function numbers(server: ServerProcess, { path, body, read }: Asked): Promise<readonly number[]> {
  const response = await server.post(path, body)
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  return read((await response.json()) as Answer)
}
