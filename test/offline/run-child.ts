// Runs embed-child.js: a whole run in a process of its own, which may be killed on the way.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const script = fileURLToPath(new URL('./embed-child.js', import.meta.url))

export interface ChildEnd {
  code: number | null
  signal: NodeJS.Signals | null
  stderr: string
}

export const startChild = (args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })

/** Waits for the end; standard output has to be read by the caller when there is much of it. */
export async function endOf(child: ChildProcess): Promise<ChildEnd> {
  const [[code, signal], stderr] = await Promise.all([once(child, 'exit'), text(child.stderr!)])
  return { code, signal, stderr }
}
