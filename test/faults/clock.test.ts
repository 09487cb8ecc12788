// Row 71: the wall clock jumps back an hour while a server runs. The server's process is given a clock that does.

import { describe, expect, it } from 'vitest'
import { startServer } from '../support/server.js'

/** Loaded before the server: from the first SIGUSR2 on, Date is an hour behind. */
const jumpingClock = `data:text/javascript,${encodeURIComponent(`
  const RealDate = Date
  let shift = 0
  process.on('SIGUSR2', () => { shift = -3600000; process.stderr.write('the clock jumped\\n') })
  globalThis.Date = class extends RealDate {
    constructor(...args) { super(...(args.length === 0 ? [RealDate.now() + shift] : args)) }
    static now() { return RealDate.now() + shift }
  }
`)}`

interface Scored {
  data: { score: number }[]
  created: number
}

describe.skipIf(process.platform === 'win32')('71: the clock jumps back an hour', () => {
  it('requests, timings, metrics and the drain go on', async () => {
    await using server = await startServer('qwen3-reranker', { nodeArgs: ['--import', jumpingClock] })
    const ask = () => server.post('/score', { queries: 'a cat', documents: ['a dog', 'a tree'] })
    const before = (await (await ask()).json()) as Scored
    const slow = ask()
    server.kill('SIGUSR2')
    await server.logged('the clock jumped')
    expect((await slow).status).toBe(200)

    const response = await ask()
    const after = (await response.json()) as Scored
    expect(after.data).toEqual(before.data)
    // The wall clock is what it is; everything that is measured is not measured by it.
    expect(after.created).toBeLessThan(before.created - 3000)
    const durations = [...response.headers.get('server-timing')!.matchAll(/dur=([\d.-]+)/g)].map(([, ms]) => Number(ms))
    expect(durations.length).toBeGreaterThan(1)
    for (const duration of durations) {
      expect(duration).toBeGreaterThanOrEqual(0)
      expect(duration).toBeLessThan(60_000)
    }
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    const sums = [...metrics.matchAll(/^\S*_seconds_sum\{.*\} (\S+)$/gm)].map(([, value]) => Number(value))
    expect(sums.length).toBeGreaterThan(3)
    for (const sum of sums) {
      expect(sum).toBeGreaterThanOrEqual(0)
      expect(sum).toBeLessThan(60)
    }
    server.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })
})
