// The engine over raw replicas: tasks share calls, spread over replicas, and fail one by one.

import { expect, it } from 'vitest'
import { openAnyEngine } from '#qvl/engine/open.js'
import type { Engine } from '#qvl/engine/requests.js'
import { checkpointPath, until } from '../../support/server.js'
import { answer, type Handler, type RawReplica, rawReplica } from './raw-replica.js'

const open = (replicas: readonly RawReplica[]): Promise<Engine> =>
  openAnyEngine({
    model: checkpointPath('qwen3-embedding'),
    maxModelLen: 64,
    upstream: { urls: replicas.map(({ url }) => url), servedModel: 'm' },
  })

const submit = (engine: Engine, contents: readonly string[]) =>
  Promise.allSettled(engine.submit(contents.map((content) => engine.preparer.embed({ content }))))

const texts = Array.from({ length: 100 }, (_, index) => `text ${index}`)

it('texts of one submission share calls, which reach all replicas', async () => {
  await using one = await rawReplica(answer)
  await using two = await rawReplica(answer)
  await using engine = await open([one, two])
  const results = await submit(engine, texts)
  expect(results.every(({ status }) => status === 'fulfilled')).toBe(true)
  const sizes = [one, two].flatMap(({ calls }) => calls.map(({ input }) => (input as unknown[]).length))
  expect(sizes.toSorted((a, b) => b - a)).toEqual([25, 25, 25, 25])
  expect(Math.min(one.calls.length, two.calls.length)).toBeGreaterThan(0)
})

it.each([400, 500])('a text that replicas answer with %i fails alone', async (status) => {
  const isBad = (ids: number[]): boolean => ids.length > 30
  const handle: Handler = (response, body) => {
    if ((body.input as number[][]).some(isBad)) response.writeHead(status).end('{}')
    else answer(response, body)
  }
  await using one = await rawReplica(handle)
  await using engine = await open([one])
  const results = await submit(engine, [...texts.slice(0, 5), 'bad '.repeat(20), ...texts.slice(5, 10)])
  expect(results.map((result) => result.status === 'fulfilled')).toEqual([
    ...Array(5).fill(true),
    false,
    ...Array(5).fill(true),
  ])
  const code = status === 400 ? 'ENGINE_ITEM_FAILED' : 'UPSTREAM_UNAVAILABLE'
  expect(results[5]).toMatchObject({ reason: { code } })
  expect(engine.load()).toMatchObject({ runningTasks: 0, runningTokens: 0 })
})

it('a signal ends all tasks of a submission', async () => {
  await using one = await rawReplica(() => {})
  await using engine = await open([one])
  const tasks = texts.map((content) => engine.preparer.embed({ content }))
  const results = Promise.allSettled(engine.submit(tasks, { signal: AbortSignal.timeout(200) }))
  for (const result of await results) {
    expect(result).toMatchObject({ status: 'rejected', reason: { name: 'TimeoutError' } })
  }
  await until(() => one.underWay === 0)
})
