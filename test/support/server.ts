// Starts `qvl serve` as people do: a child process on a free port, ended by its process id.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { goldenPath } from './golden.js'

const bin = fileURLToPath(new URL('../../bin/qvl.js', import.meta.url))

/** Checkpoints of test/golden that can be served. */
export type Checkpoint =
  | 'qwen3-embedding'
  | 'qwen3-reranker'
  | 'qwen3-reranker-seq-cls'
  | 'qwen3-vl-embedding'
  | 'qwen3-vl-reranker'
  | 'bert-embedding'
  | 'xlm-roberta-embedding'
  | 'xlm-roberta-reranker'

export const checkpointPath = (name: Checkpoint): string => goldenPath(`checkpoints/${name}`)

/** Nothing of the machine's own settings, no network, and the number type of the golden data. */
const cleanEnv = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  XDG_CONFIG_HOME: '/nonexistent',
  HF_HOME: '/nonexistent',
  HF_HUB_OFFLINE: '1',
  QVL_CACHE: path.join(tmpdir(), 'qvl-test-cache'),
  QVL_DTYPE: 'float32',
  QVL_DRAIN_DELAY: '0',
}

export interface ServerProcess extends AsyncDisposable {
  /** Such as http://127.0.0.1:40001. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Everything it has written so far. */
  readonly output: string
  /** Resolves when the log has this text; fails when the process ends first, or after the limit. */
  logged(text: string | RegExp, limitMs?: number): Promise<void>
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  kill(signal: NodeJS.Signals): void
  /** Its exit code, or the signal it died of. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** SIGINT, and SIGKILL when that does not end it. */
  stop(): Promise<void>
}

export interface StartOptions {
  args?: readonly string[]
  env?: Readonly<Record<string, string>>
  nodeArgs?: readonly string[]
  cwd?: string
  /** Return as soon as the address is bound, before the model is loaded (default: when it is ready). */
  early?: boolean
}

/** `model` is a checkpoint of test/golden, or a folder. */
export async function startServer(
  model: Checkpoint | (string & {}),
  options: StartOptions = {},
): Promise<ServerProcess> {
  const dir = path.isAbsolute(model) ? model : checkpointPath(model as Checkpoint)
  const server = spawnServe([dir, '--port', '0', ...(options.args ?? [])], options)
  try {
    await server.logged(options.early ? 'Listening at' : 'Application startup complete.')
  } catch (error) {
    await server.stop()
    throw error
  }
  return server
}

/** Runs `qvl serve` with these words only, and does not wait. */
export function spawnServe(args: readonly string[], options: StartOptions = {}): ServerProcess {
  const env = { ...cleanEnv, ...options.env }
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), bin, 'serve', ...args], {
    env,
    cwd: options.cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  const address = (): RegExpExecArray => {
    const match = /(https?):\/\/[^\s/]*:(\d+)/.exec(output)
    if (match === null) throw new Error(`the server has told no address:\n${output}`)
    return match
  }
  const server: ServerProcess = {
    get url() {
      return `${address()[1]}://127.0.0.1:${address()[2]}`
    },
    get port() {
      return Number(address()[2])
    },
    pid: child.pid!,
    get output() {
      return output
    },
    logged: (text, limitMs = 30_000) => waitForText({ child, text, limitMs, output: () => output }),
    post: (route, body, headers = {}) =>
      fetch(server.url + route, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    kill: (signal) => void child.kill(signal),
    ended,
    stop: () => stop(child, ended),
    [Symbol.asyncDispose]: () => stop(child, ended),
  }
  return server
}

/** File descriptors and anonymous memory of a process (Linux). */
export function usageOf(pid: number): { files: number; residentMiB: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const kilobytes = Number(/^RssAnon:\s+(\d+)/m.exec(status)![1])
  return { files: readdirSync(`/proc/${pid}/fd`).length, residentMiB: kilobytes / 1024 }
}

/** Until `check` is true, or fails after the limit. */
export async function until(check: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const end = performance.now() + limitMs
  while (!(await check())) {
    if (performance.now() > end) throw new Error(`not true within ${limitMs} ms: ${check}`)
    await sleep(20)
  }
}

interface Wait {
  child: ChildProcess
  text: string | RegExp
  limitMs: number
  output: () => string
}

async function waitForText({ child, text, limitMs, output }: Wait): Promise<void> {
  const found = (): boolean => (typeof text === 'string' ? output().includes(text) : text.test(output()))
  const end = performance.now() + limitMs
  while (!found()) {
    const isOver = child.exitCode !== null || child.signalCode !== null
    if (isOver || performance.now() > end)
      throw new Error(`${isOver ? 'the server ended' : 'no'} before ${text}:\n${output()}`)
    await sleep(10)
  }
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  child.kill('SIGINT')
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await ended
  clearTimeout(timer)
}
