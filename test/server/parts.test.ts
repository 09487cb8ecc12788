// Small parts of the server on their own: the watchdog, the limit on open files, the share of memory, clocks.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { EngineLoad } from '#qvl/engine/requests.js'
import { memoryLimit, memoryShare } from '#qvl/server/memory-share.js'
import { connectionsWithin, openFilesLimit } from '#qvl/server/open-files.js'
import { openWatchdog } from '#qvl/server/watchdog.js'

const idle: EngineLoad = { waitingTasks: 0, runningTasks: 0, waitingTokens: 0, runningTokens: 0, tokensPerSecond: 0 }
const busy: EngineLoad = { ...idle, runningTokens: 100 }
const batch = (seconds: number) => ({ sequences: 1, promptTokens: 1, computedTokens: 1, seconds, failed: false })

describe('the watchdog', () => {
  const cases: { name: string; load: EngineLoad | undefined; lastBatch: number; waited: number; ok: boolean }[] = [
    { name: 'nothing to do for an hour', load: idle, lastBatch: 1, waited: 3600, ok: true },
    { name: 'still loading', load: undefined, lastBatch: 1, waited: 3600, ok: true },
    { name: 'a slow batch', load: busy, lastBatch: 1, waited: 59, ok: true },
    { name: 'no batch for a minute', load: busy, lastBatch: 1, waited: 61, ok: false },
    { name: 'a model whose batches are slow', load: busy, lastBatch: 20, waited: 199, ok: true },
    { name: 'ten such batches without an end', load: busy, lastBatch: 20, waited: 201, ok: false },
  ]
  it.each(cases)('$name', ({ load, lastBatch, waited, ok }) => {
    let now = 0
    const watchdog = openWatchdog(
      () => load,
      () => now,
    )
    watchdog.batchEnded(batch(lastBatch))
    now += waited
    watchdog.look()
    expect(watchdog.ok).toBe(ok)
    if (!ok) expect(watchdog.why).toContain(`${waited} s`)
  })

  it('work that comes after a quiet hour starts with a full measure of patience', () => {
    let now = 0
    let load = idle
    const watchdog = openWatchdog(
      () => load,
      () => now,
    )
    for (; now < 3600; now++) watchdog.look()
    load = busy
    now += 30
    watchdog.look()
    expect(watchdog.ok).toBe(true)
  })
})

describe('open files', () => {
  const cases = [
    { limit: undefined, wanted: 1024, allowed: 1024 },
    { limit: 20_000, wanted: 1024, allowed: 1024 },
    { limit: 1024, wanted: 1024, allowed: 896 },
    { limit: 144, wanted: 1024, allowed: 16 },
    { limit: 143, wanted: 1024, allowed: undefined },
    { limit: 136, wanted: 8, allowed: 8 },
  ]
  it.each(cases)('$limit leave room for $allowed of $wanted', ({ limit, wanted, allowed }) => {
    if (allowed === undefined) {
      expect(() => connectionsWithin(limit, wanted)).toThrow(expect.objectContaining({ code: 'FILES_EXHAUSTED' }))
    } else expect(connectionsWithin(limit, wanted)).toBe(allowed)
  })

  it('this process has a limit', () => {
    const limit = openFilesLimit()
    expect(limit === undefined || limit > 0).toBe(true)
  })
})

describe('memory', () => {
  it('is a share of what there is', () => {
    const share = memoryShare()
    expect(share()).toBeGreaterThan(0)
    expect(share()).toBeLessThan(1)
    expect(memoryLimit()).toBeGreaterThan(process.memoryUsage().rss)
  })
})

describe('71: a clock that jumps', () => {
  it('cannot be seen: only times that people read come from it', () => {
    const src = fileURLToPath(new URL('../../src/server', import.meta.url))
    const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    const using = files.filter((file) => /\bDate\.now\(|new Date\(/.test(readFileSync(`${src}/${file}`, 'utf8')))
    // `created` of answers and the time of a log line.
    expect(using.sort()).toEqual(['context.ts', 'log.ts', 'routes/work.ts'])
  })
})
