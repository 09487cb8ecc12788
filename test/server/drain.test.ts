// From ready to gone: what is answered, what is refused, and what is cut off.

import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { QvlError } from '#qvl/errors.js'
import type { RunningServer } from '#qvl/server/server.js'
import { idleEngine, messageOf, noPreparation, plainRoutes, startPlain } from './plain-server.js'

const json = { 'content-type': 'application/json' }
const post = (server: RunningServer, path: string): Promise<Response> =>
  fetch(server.address + path, { method: 'POST', headers: json, body: '{}' })

/** Answers after so many milliseconds. */
const slowRoute = (ms: number) => ({
  ...plainRoutes.find(({ name }) => name === 'echo')!,
  ...{ name: 'slow', paths: ['/slow'] },
  handle: async () => {
    await sleep(ms)
    return { status: 200, body: 'done' }
  },
})

describe('draining', () => {
  it('an idle server leaves at once', async () => {
    const server = await startPlain()
    expect(await server.drain()).toBe(0)
    await expect(fetch(`${server.address}/health`)).rejects.toThrow()
    await server.close()
    await server.close()
  })

  it.each([0.3, 0.9])('readiness is false at once, and requests are taken for %f s', async (drainDelaySeconds) => {
    const server = await startPlain({ limits: { drainDelaySeconds } })
    const started = performance.now()
    const drained = server.drain()
    const health = await fetch(`${server.address}/health`)
    expect([health.status, await health.text(), health.headers.get('connection')]).toEqual([503, 'draining', 'close'])
    expect((await post(server, '/echo')).status).toBe(200)
    expect(await drained).toBe(0)
    expect(performance.now() - started).toBeGreaterThan(drainDelaySeconds * 1000 - 20)
    await expect(post(server, '/echo')).rejects.toThrow()
    await server.close()
  })

  it('a person does not wait for load balancers', async () => {
    const server = await startPlain({ limits: { drainDelaySeconds: 60 } })
    expect(await server.drain({ skipDelay: true })).toBe(0)
    await server.close()
  })

  it('what is in flight is finished', async () => {
    const server = await startPlain({ routes: [...plainRoutes, slowRoute(300)] })
    const answers = Array.from({ length: 20 }, () => post(server, '/slow'))
    await sleep(100)
    expect(await server.drain()).toBe(0)
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(20).fill(200))
    await server.close()
  })

  it.each([0.2, 0.6])('what is stuck gets an error after %f s', async (drainSeconds) => {
    const server = await startPlain({ limits: { drainSeconds } })
    const stuck = [post(server, '/deaf'), post(server, '/wait')]
    await sleep(100)
    const started = performance.now()
    expect(await server.drain()).toBe(2)
    expect(performance.now() - started).toBeGreaterThan(drainSeconds * 1000 - 20)
    const answers = await Promise.all(stuck)
    expect(answers.map(({ status }) => status)).toEqual([503, 503])
    expect(await messageOf(answers[0]!)).toContain('--drain-timeout')
    await server.close()
  })
})

describe('loading', () => {
  it('the address answers, health says why not, and work is refused', async () => {
    let load = (): void => {}
    const loaded = new Promise<void>((resolve) => {
      load = resolve
    })
    const server = await startLoading(async () => {
      await loaded
      return idleEngine
    })
    const health = await fetch(`${server.address}/health`)
    expect([health.status, await health.text()]).toEqual([503, 'loading'])
    const refused = await post(server, '/echo')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    load()
    await server.ready
    expect((await post(server, '/echo')).status).toBe(200)
    await server.close()
  })

  it('a model that cannot be opened rejects, and health says so', async () => {
    const server = await startLoading(() =>
      Promise.reject(new QvlError('CONFIG_INVALID', { what: 'The config is bad.' })),
    )
    await expect(server.ready).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(server.readiness).toMatchObject({
      state: 'failed',
      why: 'The model could not be loaded: The config is bad.',
    })
    await server.close()
  })
})

describe('an engine that fails', () => {
  it('takes the server out of service until it computes again', async () => {
    let works = false
    let report = (_failed: boolean): void => {}
    const engine = { ...idleEngine, warmUp: async () => (works ? undefined : Promise.reject(new Error('no device'))) }
    const server = await startPlain({
      async open({ onBatch }) {
        report = (failed) => onBatch({ sequences: 1, promptTokens: 1, computedTokens: 1, seconds: 0.1, failed })
        return { engine, preparation: noPreparation }
      },
    })
    report(true)
    await sleep(50)
    expect(server.readiness.state).toBe('failed')
    expect((await post(server, '/echo')).status).toBe(503)
    works = true
    await sleep(1200)
    expect(server.readiness.state).toBe('ready')
    expect((await post(server, '/echo')).status).toBe(200)
    await server.close()
  })
})

const startLoading = (open: () => Promise<typeof idleEngine>): Promise<RunningServer> =>
  startPlain({ early: true, open: async () => ({ engine: await open(), preparation: noPreparation }) })
