// Runs bin/qvl.js as people do: a child process with real pipes.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { goldenPath } from '../support/golden.js'

export const bin = fileURLToPath(new URL('../../bin/qvl.js', import.meta.url))

export const reranker = goldenPath('checkpoints/qwen3-reranker')
export const embedder = goldenPath('checkpoints/qwen3-embedding')
export const vlEmbedder = goldenPath('checkpoints/qwen3-vl-embedding')
export const vlReranker = goldenPath('checkpoints/qwen3-vl-reranker')

/** Those of this installation. */
export const devices = hasAddon() ? (['reference', 'ort', 'cpu'] as const) : (['reference', 'ort'] as const)

/** Nothing of the machine's own settings, no network, and the number type of the golden data. */
export const cleanEnv = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  XDG_CONFIG_HOME: '/nonexistent',
  HF_HOME: '/nonexistent',
  HF_HUB_OFFLINE: '1',
  QVL_CACHE: path.join(tmpdir(), 'qvl-test-cache'),
  QVL_DTYPE: 'float32',
}

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: Record<string, string> | undefined
  cwd?: string | undefined
  nodeArgs?: readonly string[]
}

export function startQvl(args: readonly string[], options: RunOptions = {}): ChildProcessWithoutNullStreams {
  const env = { ...cleanEnv, ...options.env }
  return spawn(process.execPath, [...(options.nodeArgs ?? []), bin, ...args], { env, cwd: options.cwd })
}

/** Runs to the end with `input` on stdin. */
export async function qvl(args: readonly string[], input = '', options: RunOptions = {}): Promise<Ended> {
  const child = startQvl(args, options)
  // A command that does not read its input may end before it is written.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return ended(child)
}

export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  const [code, signal] = await once(child, 'close')
  return { code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}

export const jsonLines = (values: readonly unknown[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join('')

/** Fails on anything that is not one JSON value on each line, the last line included. */
export function parseLines<T>(text: string): T[] {
  if (!text.endsWith('\n')) throw new Error('the output does not end with a line end')
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line) as T)
}
