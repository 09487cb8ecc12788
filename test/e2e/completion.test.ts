// The completion scripts in the shells themselves: bash, zsh and fish. A shell that is not installed is skipped.

import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { bin, qvl } from './run-qvl.js'

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

const isInstalled = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/** A folder with files, and a cache with two models. */
let folder: string
const scripts = new Map<Shell, string>()
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'qvl-completion-'))
  for (const model of ['models--Qwen--Qwen3-Embedding-0.6B', 'models--tiny--reranker', 'datasets--a--b']) {
    mkdirSync(join(folder, 'hf', 'hub', model), { recursive: true })
  }
  writeFileSync(join(folder, 'queries one.jsonl'), '')
  writeFileSync(join(folder, 'server.yaml'), '')
  for (const shell of shells) {
    const { code, stdout } = await qvl(['completion', shell])
    expect(code).toBe(0)
    scripts.set(shell, join(folder, `qvl.${shell}`))
    writeFileSync(scripts.get(shell)!, stdout)
  }
})

const environment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: folder,
  HF_HOME: join(folder, 'hf'),
  TERM: 'dumb',
  LC_ALL: 'C.UTF-8',
})

const program = `qvl() { "${process.execPath}" "${bin}" "$@"; }`

/** Words before the cursor, and what is offered there: all of it, or some of it. */
const cases: readonly [words: string[], offered: string[], how?: 'all'][] = [
  [['ser'], ['serve'], 'all'],
  [[''], ['score', 'embed', 'serve', 'bench', 'models', 'config', 'completion', 'help']],
  [['bench', ''], ['throughput', 'serve'], 'all'],
  [['models', ''], ['pull', 'remove', 'verify'], 'all'],
  [['models', 'remove', ''], ['Qwen/Qwen3-Embedding-0.6B', 'tiny/reranker'], 'all'],
  [['models', 'remove', '--y'], ['--yes'], 'all'],
  [['serve', 'ti'], ['tiny/reranker'], 'all'],
  [['serve', '--model', 'Q'], ['Qwen/Qwen3-Embedding-0.6B'], 'all'],
  [['serve', '--scheduling-p'], ['--scheduling-policy'], 'all'],
  [['serve', '--scheduling-policy', ''], ['fcfs', 'priority'], 'all'],
  [['serve', '--config', 'serv'], ['server.yaml'], 'all'],
  [['bench', 'serve', '--dataset-n'], ['--dataset-name'], 'all'],
  [['config', '--f'], ['--for']],
  [['completion', ''], ['bash', 'zsh', 'fish'], 'all'],
]

describe.each(['bash', 'fish'] as const)('%s', (shell) => {
  it.skipIf(!isInstalled(shell)).each(cases)('completes %j', (words, offered, how) => {
    const found = shell === 'bash' ? inBash(words) : inFish(words)
    if (how === 'all') expect(found.sort()).toEqual([...offered].sort())
    else expect(found).toEqual(expect.arrayContaining(offered))
  })
})

describe('bash', () => {
  it.skipIf(!isInstalled('bash'))('completes the value behind an equals sign', () => {
    expect(inBash(['serve', '--scheduling-policy', '=', 'pri'])).toEqual(['priority'])
    expect(inBash(['serve', '--scheduling-policy', '=']).sort()).toEqual(['fcfs', 'priority'])
  })

  it.skipIf(!isInstalled('bash'))('offers a file with a space in its name as one word', () => {
    expect(inBash(['score', 'quer'])).toEqual(['queries one.jsonl'])
  })

  it.skipIf(!isInstalled('bash'))('offers nothing for texts, and after flags that are over', () => {
    expect(inBash(['score', '--query', ''])).toEqual([])
    expect(inBash(['serve', '--port', '80'])).toEqual([])
  })
})

/** Each line is typed with its tabs; the command then says what it was given. */
const typed: readonly [line: string, ran: string][] = [
  ['qvl compl\tb\t', 'completion bash'],
  ['qvl serve ti\t--scheduling-po\tpri\t', 'serve tiny/reranker --scheduling-policy priority'],
  ['qvl serve --scheduling-policy=pri\t', 'serve --scheduling-policy=priority'],
  ['qvl models rem\tQ\t--y\t', 'models remove Qwen/Qwen3-Embedding-0.6B --yes'],
  ['qvl bench thr\t--dt\tbf\t', 'bench throughput --dtype bfloat16'],
  ['qvl score quer\t--rank\t', 'score queries one.jsonl --rank'],
]

describe.each(['bash', 'zsh'] as const)('%s on a terminal', (shell) => {
  it.skipIf(!isInstalled(shell) || !isInstalled('script')).each(typed)('%j', async (line, ran) => {
    expect(await typeInto(shell, line)).toContain(`RAN ${ran} END`)
  })
})

describe('what is not a shell', () => {
  it.each([
    [[], 'No shell was named.'],
    [['bsh'], 'Did you mean qvl completion bash?'],
    [['bash', 'zsh'], '2 shells were named: bash, zsh.'],
  ])('%j is refused', async (words, said) => {
    expect(await qvl(['completion', ...words])).toMatchObject({ code: 2, stderr: expect.stringContaining(said) })
  })
})

function inBash(words: readonly string[]): string[] {
  const all = ['qvl', ...words].map((word) => `'${word}'`).join(' ')
  const script = `${program}; . "${scripts.get('bash')}"; COMP_WORDS=(${all}); COMP_CWORD=${words.length}; _qvl
for one in "\${COMPREPLY[@]}"; do printf '%s\\n' "$one"; done`
  return outputOf('bash', ['--norc', '-c', script])
}

function inFish(words: readonly string[]): string[] {
  const script = `function qvl; "${process.execPath}" "${bin}" $argv; end; source "${scripts.get('fish')}"
complete -C '${['qvl', ...words].join(' ')}'`
  return outputOf('fish', ['--no-config', '-c', script]).map((line) => line.split('\t')[0]!)
}

function outputOf(shell: string, args: readonly string[]): string[] {
  const { stdout, stderr, status } = spawnSync(shell, args, { cwd: folder, env: environment(), encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout.split('\n').filter((line) => line !== '')
}

/** In a pseudo-terminal; the names of models still come from the real program. */
async function typeInto(shell: 'bash' | 'zsh', line: string): Promise<string> {
  const start = shell === 'bash' ? 'bash --norc --noprofile -i' : 'zsh -f -i'
  const child = spawn('script', ['-qec', start, '/dev/null'], { cwd: folder, env: environment() })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const waitFor = async (text: string): Promise<void> => {
    for (let tries = 0; tries < 200 && !output.includes(text); tries++) await sleep(50)
  }
  const run = `qvl() { if [ "$1 $2" = 'completion models' ]; then "${process.execPath}" "${bin}" "$@"; else echo RAN "$@" END; fi; }`
  child.stdin.write(`${run}; . "${scripts.get(shell)}"; echo REA''DY\n`)
  await waitFor('READY')
  child.stdin.write(`${line}\n`)
  await waitFor(' END')
  child.stdin.write('exit\n')
  await new Promise((resolve) => child.once('close', resolve))
  return output.replaceAll('\r', '')
}
