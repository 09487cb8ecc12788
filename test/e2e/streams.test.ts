// Streams, signals and terminals: what goes where, and how a run ends early.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bin, cleanEnv, ended, jsonLines, parseLines, qvl, reranker, startQvl } from './run-qvl.js'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-streams-'))
})

afterAll(() => rm(folder, { recursive: true }))

/** About 2,400 tokens each, so that a chunk of the run holds a few of them. */
const line = (index: number): object => ({
  id: `q${index}`,
  query: `query number ${index}`,
  documents: Array.from({ length: 20 }, (_, document) => `document ${document} of query ${index}`),
})
const lines = (count: number): string => jsonLines(Array.from({ length: count }, (_, index) => line(index)))

describe('streams', () => {
  it.each<[string, Record<string, string>]>([
    ['nothing set', {}],
    ['NO_COLOR', { NO_COLOR: '1' }],
    ['TERM=dumb', { TERM: 'dumb' }],
  ])('no escape code reaches a pipe: %s', async (_, env) => {
    const { code, stdout, stderr } = await qvl(['score', '-m', reranker, '-v'], `${lines(1)}broken\n`, { env })
    expect(code).toBe(4)
    expect(stdout + stderr).not.toContain('\u001b')
    expect(stdout + stderr).not.toContain('\r')
    expect(parseLines(stdout)).toHaveLength(2)
    expect(stderr).toMatch(/^loading .+ on (cpu|ort)$/m)
    expect(stderr).toMatch(/^2 lines, [\d,]+ tokens/m)
  })

  it('FORCE_COLOR colours errors, and --no-color beats it', async () => {
    const env = { FORCE_COLOR: '1' }
    expect((await qvl(['nothing'], '', { env })).stderr).toContain('\u001b[31merror[USAGE]\u001b[0m')
    expect((await qvl(['nothing', '--no-color'], '', { env })).stderr).not.toContain('\u001b')
  })

  it('--quiet says nothing when all is well', async () => {
    const { code, stdout, stderr } = await qvl(['score', '-m', reranker, '-q'], lines(1))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(parseLines(stdout)).toHaveLength(1)
  })

  it('a file, - and a redirected file are the same input', async () => {
    const [piped, dash] = await Promise.all([
      qvl(['score', '-m', reranker, '-q'], lines(2)),
      qvl(['score', '-', '-m', reranker, '-q'], lines(2)),
    ])
    expect(piped.code).toBe(0)
    expect(dash.stdout).toBe(piped.stdout)
  })

  it('empty input is an empty output', async () => {
    expect(await qvl(['score', '-m', reranker, '-q'], '')).toMatchObject({ code: 0, stdout: '', stderr: '' })
  })

  it('ends quietly when the reader leaves', async () => {
    const child = startQvl(['score', '-m', reranker])
    const outcome = ended(child)
    child.stdin.on('error', () => {})
    // Never ended: only the broken pipe can end this run.
    child.stdin.write(lines(60))
    await once(child.stdout, 'data')
    child.stdout.destroy()
    const [{ code, stderr }] = await Promise.all([outcome, feed(child)])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })
})

describe.runIf(existsSync('/dev/full'))('a full disk', () => {
  it.each([
    [['--help']],
    [['score', '--help']],
    [['completion', 'bash']],
    [['config']],
    [['score', 'q.jsonl', '-m', reranker]],
    [['score', '--query', 'a', '--document', 'b', '--explain', '-m', reranker]],
  ])('below standard output is said: %j', async (args) => {
    await writeFile(path.join(folder, 'q.jsonl'), lines(1))
    const { code, output } = await withFull('stdout', args)
    expect(code).toBe(1)
    expect(output).toMatch(/^error\[OUTPUT_UNWRITABLE\] The output .+\n {2}The disk is full\.\n {2}Make room .+\n$/)
  })

  it.each([
    [['score', '--query', 'a', '--document', 'b', '-v', '-m', reranker], 0],
    [['score', '--qury', 'a'], 2],
  ])('below standard error changes nothing: %j', async (args, expected) => {
    const { code, output } = await withFull('stderr', args)
    expect(code).toBe(expected)
    expect(output.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('signals', () => {
  it.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('%s ends a run with exit code %i, and --resume gives the bytes of an uncut run', async (signal, expected) => {
    const whole = path.join(folder, `whole-${signal}.jsonl`)
    const cut = path.join(folder, `cut-${signal}.jsonl`)
    const args = (file: string): string[] => ['score', '-m', reranker, '-o', file]
    expect((await qvl(args(whole), lines(70))).code).toBe(0)

    const child = startQvl(args(cut))
    const outcome = ended(child)
    // Standard input stays open, so the run cannot come to its end before the signal.
    child.stdin.write(lines(60))
    await someBytes(`${cut}.part`)
    child.kill(signal)
    const stopped = await outcome
    expect(stopped).toMatchObject({ code: expected, stdout: '' })
    expect(stopped.stderr).toMatch(/^warning: stopping: /m)
    expect(stopped.stderr).toMatch(/saved; add --resume/)
    expect(await readdir(folder)).not.toContain(path.basename(cut))

    const resumed = await qvl([...args(cut), '--resume'], lines(70))
    expect(resumed.code).toBe(0)
    expect(resumed.stderr).toMatch(/after \d+ lines? of the earlier run/)
    expect(await readFile(cut, 'utf8')).toBe(await readFile(whole, 'utf8'))
    expect((await readdir(folder)).filter((name) => name.startsWith(`cut-${signal}`))).toEqual([path.basename(cut)])
  })

  it('a signal while waiting for input ends at once', async () => {
    const child = startQvl(['score', '-m', reranker, '-v'])
    const outcome = ended(child)
    await untilStderr(child, 'prompt format')
    child.kill('SIGINT')
    const { code, stdout, stderr } = await outcome
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr).not.toContain('error[')
  })

  it('a signal while loading ends at once', async () => {
    const child = startQvl(['score', '-m', reranker, '-v'])
    const outcome = ended(child)
    await untilStderr(child, 'loading')
    child.kill('SIGINT')
    const { code, stdout, stderr } = await outcome
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(stderr).not.toContain('error[')
  })
})

/** Waits for a file to have content; vitest's own time limit bounds the wait. */
async function someBytes(file: string): Promise<void> {
  for (;;) {
    const size = await stat(file).then(
      (stats) => stats.size,
      () => 0,
    )
    if (size > 0) return
    await sleep(20)
  }
}

async function untilStderr(child: ReturnType<typeof startQvl>, text: string): Promise<void> {
  let seen = ''
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    seen += chunk
    if (seen.includes(text)) return
  }
}

/** More lines until the process ends, so that there is something to write into the broken pipe. */
async function feed(child: ReturnType<typeof startQvl>): Promise<void> {
  const closed = once(child, 'close')
  while (child.exitCode === null && child.stdin.writable) {
    const taken = new Promise<void>((resolve) => child.stdin.write(lines(10), () => resolve()))
    await Promise.race([taken, closed])
  }
}

/** What came on the other stream. */
async function withFull(
  full: 'stdout' | 'stderr',
  args: readonly string[],
): Promise<{ code: number | null; output: string }> {
  await using disk = await open('/dev/full', 'w')
  const stdio = full === 'stdout' ? (['ignore', disk.fd, 'pipe'] as const) : (['ignore', 'pipe', disk.fd] as const)
  const child = spawn(process.execPath, [bin, ...args], { env: cleanEnv, cwd: folder, stdio: [...stdio] })
  let output = ''
  const stream = full === 'stdout' ? child.stderr : child.stdout
  stream?.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  const [code] = await once(child, 'close')
  return { code, output }
}
