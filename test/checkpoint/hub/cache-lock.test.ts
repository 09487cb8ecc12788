import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { withLock } from '#qvl/checkpoint/hub/cache-lock.js'
import { defaultHubLimits, type HubLimits } from '#qvl/checkpoint/hub/limits.js'
import { temporaryFolder } from '../folders.js'

const limits: HubLimits = { ...defaultHubLimits, lockPollMs: 5 }
const options = () => ({ limits, signal: new AbortController().signal })
const hourAgo = new Date(Date.now() - 3_600_000)
const id = '00000000-0000-4000-8000-000000000000'

const namespace = process.platform === 'linux' ? readlinkSync('/proc/self/ns/pid') : ''
const thisMachine = `${hostname()} ${namespace}`
const markOf = (machine: string, pid: number): string => JSON.stringify({ id, machine, pid })

/** The number of a process that has ended. */
const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid

describe('a lock', () => {
  const abandoned: [what: string, content: () => string, old: boolean][] = [
    ['of a process of this machine that is gone', () => markOf(thisMachine, deadPid()), false],
    ['of another machine, untouched for long', () => markOf('elsewhere', process.pid), true],
    ['of a living process, untouched for long', () => markOf(thisMachine, process.pid), true],
    ['without a mark, untouched for long', () => '', true],
  ]
  it.each(abandoned)('%s is taken over', async (_, content, old) => {
    const folder = temporaryFolder()
    const path = join(folder, 'lock')
    writeFileSync(path, content())
    if (old) utimesSync(path, hourAgo, hourAgo)
    const mark = await withLock(path, options(), async () => readFileSync(path, 'utf8'))
    expect(mark).toContain(`"pid":${process.pid}`)
    expect(mark).not.toContain(id)
    expect(readdirSync(folder)).toEqual([])
  })

  const held: [what: string, content: () => string][] = [
    ['of a living process', () => markOf(thisMachine, process.pid)],
    ['of another machine, touched lately', () => markOf('elsewhere', deadPid())],
    ['without a mark, made lately', () => ''],
  ]
  it.each(held)('%s is waited for', async (_, content) => {
    const path = join(temporaryFolder(), 'lock')
    const mark = content()
    writeFileSync(path, mark)
    const stop = new AbortController()
    const reason = new Error('stop')
    const onWait = (): void => stop.abort(reason)
    const result = withLock(path, { limits, signal: stop.signal, onWait }, async () => 'got it')
    await expect(result).rejects.toBe(reason)
    expect(readFileSync(path, 'utf8')).toBe(mark)
  })

  it('lets one in at a time', async () => {
    const path = join(temporaryFolder(), 'lock')
    let inside = 0
    let most = 0
    const work = async (): Promise<void> => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise((resolve) => setTimeout(resolve, 1))
      inside -= 1
    }
    await Promise.all(Array.from({ length: 20 }, () => withLock(path, options(), work)))
    expect(most).toBe(1)
  })

  it('of a dead process lets one in at a time, too', async () => {
    const path = join(temporaryFolder(), 'lock')
    writeFileSync(path, markOf(thisMachine, deadPid()))
    let inside = 0
    const seen: number[] = []
    const work = async (): Promise<void> => {
      inside += 1
      seen.push(inside)
      await new Promise((resolve) => setTimeout(resolve, 1))
      inside -= 1
    }
    await Promise.all(Array.from({ length: 20 }, () => withLock(path, options(), work)))
    expect(seen).toEqual(Array.from({ length: 20 }, () => 1))
  })

  it('that a newer holder has taken over is left to it', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'lock')
    await withLock(path, options(), async () => writeFileSync(path, markOf(thisMachine, process.pid)))
    expect(readFileSync(path, 'utf8')).toContain(id)
  })

  it('is free again when the work fails', async () => {
    const path = join(temporaryFolder(), 'lock')
    const failure = new Error('work')
    await expect(withLock(path, options(), () => Promise.reject(failure))).rejects.toBe(failure)
    expect(existsSync(path)).toBe(false)
  })
})
