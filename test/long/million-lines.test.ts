import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { goldenPath } from '../support/golden.js'

const qvl = fileURLToPath(new URL('../../bin/qvl.js', import.meta.url))
const numLines = 1_000_000

function* lines(): Generator<string> {
  for (let i = 0; i < numLines; i++) yield `${JSON.stringify(`line ${i} of a long file`)}\n`
}

/** Resident memory of a process, in MiB. */
function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

it('a million lines through `qvl embed` keep memory flat and order', async () => {
  const args = [qvl, 'embed', '--model', goldenPath('checkpoints/qwen3-embedding'), '--encoding-format', 'base64', '-q']
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const feeding = pipeline(Readable.from(lines()), child.stdin)
  let seen = 0
  let rest = ''
  let early = 0
  let highest = 0
  for await (const chunk of child.stdout.setEncoding('utf8')) {
    const parts = (rest + chunk).split('\n')
    rest = parts.pop()!
    for (const line of parts) {
      if (!line.startsWith(`{"index":${seen},"embedding":"`)) throw new Error(`line ${seen} is ${line.slice(0, 80)}`)
      seen++
      if (seen === numLines / 10) early = residentMiB(child.pid!)
      if (seen > numLines / 10 && seen % 10_000 === 0) highest = Math.max(highest, residentMiB(child.pid!))
    }
  }
  await feeding
  expect(seen).toBe(numLines)
  expect(highest - early).toBeLessThan(64)
})
