// A real terminal: tmux on a socket of its own, with a shell in it that has nothing of the machine's own settings.

import { execFile, spawnSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Tests that need a terminal are skipped, visibly, where it is not installed. */
export const hasTmux = spawnSync('tmux', ['-V']).status === 0

export const qvlCommand = `"${process.execPath}" "${fileURLToPath(new URL('../../bin/qvl.js', import.meta.url))}"`

export const prompt = 'ready>'

export interface TmuxTerminal extends AsyncDisposable {
  /** Types a line. */
  enter(line: string): Promise<void>
  /** Presses a key such as `C-c`. */
  press(key: string): Promise<void>
  /** The lines on the screen, without those below the last that has something. */
  screen(): Promise<string[]>
  /** What has scrolled off, and the screen, with lines that were wrapped in one piece. */
  everything(): Promise<string>
  /** The same as the screen, with what colours it. */
  styled(): Promise<string>
  /** Resolves with the screen when all of these are on it; fails after the limit. */
  sees(...texts: (string | RegExp)[]): Promise<string[]>
  resize(columns: number, rows: number): Promise<void>
  cursorIsShown(): Promise<boolean>
}

export interface TerminalOptions {
  columns: number
  rows: number
  env?: Readonly<Record<string, string>>
}

const limitMs = 30_000
let numOpened = 0

export async function openTerminal({ columns, rows, env = {} }: TerminalOptions): Promise<TmuxTerminal> {
  const name = `qvl-test-${process.pid}-${numOpened++}`
  const tmux = async (...args: string[]): Promise<string> =>
    (await run('tmux', ['-u', '-L', name, '-f', '/dev/null', ...args], { encoding: 'utf8' })).stdout
  const shell = ['env', '-i', ...Object.entries({ ...cleanEnv, ...env }).map(([key, value]) => `${key}=${value}`), 'sh']
  const command = shell.map((word) => `'${word}'`).join(' ')
  await tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), command)
  const capture = async (...flags: string[]): Promise<string> => (await tmux('capture-pane', '-p', ...flags)).trimEnd()
  const screen = async (): Promise<string[]> => (await capture()).split('\n')
  const terminal: TmuxTerminal = {
    enter: async (line) => void (await tmux('send-keys', line, 'Enter')),
    press: async (key) => void (await tmux('send-keys', key)),
    screen,
    everything: () => capture('-J', '-S', '-'),
    styled: () => capture('-e'),
    async sees(...texts) {
      const end = performance.now() + limitMs
      for (;;) {
        const lines = await screen()
        const all = lines.join('\n')
        const missing = texts.filter((text) => (typeof text === 'string' ? !all.includes(text) : !text.test(all)))
        if (missing.length === 0) return lines
        if (performance.now() > end) throw new Error(`not on the screen: ${missing.join(', ')}\n${all}`)
        await sleep(20)
      }
    },
    resize: async (width, height) => void (await tmux('resize-window', '-x', String(width), '-y', String(height))),
    cursorIsShown: async () => (await tmux('display-message', '-p', '#{cursor_flag}')).trim() === '1',
    async [Symbol.asyncDispose]() {
      const tty = (await tmux('display-message', '-p', '#{pane_tty}')).trim()
      // A shell does not end what runs in its background.
      const { stdout } = await run('ps', ['-o', 'pid=', '-t', tty])
      await tmux('kill-server')
      for (const pid of stdout.split('\n').map(Number).filter(Boolean)) end(pid)
    },
  }
  await terminal.sees(prompt)
  return terminal
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It has ended by itself.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

const cleanEnv = {
  PATH: process.env.PATH ?? '',
  HOME: '/nonexistent',
  XDG_CONFIG_HOME: '/nonexistent',
  HF_HOME: '/nonexistent',
  HF_HUB_OFFLINE: '1',
  QVL_CACHE: path.join(tmpdir(), 'qvl-test-cache'),
  QVL_DRAIN_DELAY: '0',
  TERM: 'tmux-256color',
  LANG: 'C.UTF-8',
  PS1: `${prompt} `,
}
