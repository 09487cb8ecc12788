// `qvl embed --upstream --resume`: what was computed elsewhere is as good as what was computed here.

import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { jsonLines, qvl, startQvl } from '../e2e/run-qvl.js'
import { startReplica, upstreamArgs } from '../e2e/upstream-fleet.js'
import { checkpointPath, until } from '../support/server.js'

const folder = mkdtempSync(join(tmpdir(), 'qvl-upstream-resume-'))
afterAll(() => rmSync(folder, { recursive: true }))

const path = (name: string): string => join(folder, name)

it('--resume after the command was killed gives the bytes of a run that was not', async () => {
  // One chunk of short lines, and a rest that takes a while.
  const lines = Array.from({ length: 17_000 }, (_, id) => ({
    id,
    text: `text ${id} ${'and more '.repeat(id < 16_384 ? 0 : 40)}`,
  }))
  writeFileSync(path('in.jsonl'), jsonLines(lines))
  const replicas = await Promise.all([1, 2].map(() => startReplica('qwen3-embedding')))
  try {
    const args = (output: string): string[] => [
      ...['embed', path('in.jsonl'), '-m', checkpointPath('qwen3-embedding'), '--dimensions', '4', '-o', path(output)],
      ...upstreamArgs(replicas),
    ]
    const uncut = qvl(args('uncut.jsonl'))
    const child = startQvl(args('cut.jsonl'))
    await until(() => existsSync(path('cut.jsonl.part.json')), 30_000)
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(existsSync(path('cut.jsonl'))).toBe(false)
    expect((await uncut).code).toBe(0)
    const resumed = await qvl([...args('cut.jsonl'), '--resume'])
    expect(resumed).toMatchObject({ code: 0, stderr: expect.stringMatching(/after [\d,]+ lines of the earlier run/) })
    expect(readFileSync(path('cut.jsonl'))).toEqual(readFileSync(path('uncut.jsonl')))
  } finally {
    await Promise.all(replicas.map((one) => one.stop()))
  }
})
