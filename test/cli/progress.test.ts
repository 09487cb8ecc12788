// Progress in words and bars, and what is said at the end of a run.

import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { Messages } from '#qvl/cli/messages.js'
import { progressOn } from '#qvl/cli/progress.js'
import { duration, type LoadProgress, loadText, runText } from '#qvl/cli/progress-text.js'
import { lineErrorsTo, sayEnd } from '#qvl/cli/run-report.js'
import { QvlError } from '#qvl/errors.js'
import type { RunSummary } from '#qvl/offline/run-file.js'

const start = { lines: 0, tokens: 0, cachedTokens: 0, bytesRead: 0, totalBytes: 1000 }

describe('words', () => {
  it.each<[number, string]>([
    [0, '0 s'],
    [48_400, '48 s'],
    [120_000, '2 min'],
    [99 * 60_000, '99 min'],
    [200 * 60_000, '3 h 20 min'],
  ])('%i ms are %s', (ms, text) => {
    expect(duration(ms)).toBe(text)
  })

  it('one of a kind is singular', () => {
    expect(runText(start, { ...start, lines: 1, tokens: 1 }, 1000)).toBe('1 line, 1 token, 1 tok/s')
  })

  it('a file has an end, a pipe has none', () => {
    const now = { ...start, lines: 1, tokens: 34_000, bytesRead: 250 }
    expect(runText(start, now, 10_000)).toBe('1 line, 34,000 tokens, 3,400 tok/s, 30 s left')
    const pipe = { ...now, totalBytes: undefined }
    expect(runText(pipe, { ...pipe, tokens: 68_000, bytesRead: 500 }, 10_000)).toBe(
      '1 line, 68,000 tokens, 3,400 tok/s',
    )
  })

  const load: LoadProgress = {
    total: 1000,
    ended: 512,
    failed: 0,
    running: 488,
    tokens: 102_400,
    elapsedMs: 10_000,
    latencies: { p50: 8.25, p99: 1420 },
  }
  it.each<[Partial<LoadProgress>, string]>([
    [{}, '512 of 1,000 requests, 51.2 req/s, 10,240 tok/s, 488 running, p50 8.3 ms, p99 1,420 ms'],
    [{ failed: 12, latencies: undefined }, '512 of 1,000 requests, 50.0 req/s, 10,240 tok/s, 488 running, 12 failed'],
    [
      { ended: 0, tokens: 0, elapsedMs: 0, latencies: undefined },
      '0 of 1,000 requests, 0.0 req/s, 0 tok/s, 488 running',
    ],
  ])('requests to a server: %j', (changes, text) => {
    expect(loadText({ ...load, ...changes })).toBe(text)
  })

  it('what an earlier run has done does not count as speed', () => {
    const resumed = { ...start, lines: 50, bytesRead: 500 }
    expect(runText(resumed, { ...resumed, lines: 60, tokens: 100, bytesRead: 600 }, 1000)).toMatch(
      /100 tok\/s, 4 s left$/,
    )
  })
})

describe('progressOn', () => {
  const download = { file: 'model.safetensors', received: 5_000_000, total: 20_000_000, files: 2, done: 1 }

  it('draws bars on a terminal, and takes them away with the cursor settings restored', async () => {
    const { stream, written } = terminal()
    const progress = progressOn({ stream, animate: true, quiet: false })
    progress.download(download)
    progress.run({ ...start, lines: 3, bytesRead: 500 })
    // The bars are drawn by a timer.
    while (!written().includes('3 lines')) await once(stream, 'data')
    progress.clear()
    progress.clear()
    expect(written()).toContain('model.safetensors')
    expect(written()).toContain('25 %  5.0 of 20.0 MB')
    expect(written().lastIndexOf('\u001b[?7h')).toBeGreaterThan(written().lastIndexOf('\u001b[?7l'))
  })

  it.each([
    ['quietly', true, true],
    ['in a log, before ten seconds', false, false],
  ])('writes nothing %s', (_, animate, quiet) => {
    const { stream, written } = terminal()
    const progress = progressOn({ stream, animate, quiet })
    progress.download(download)
    progress.run({ ...start, lines: 3 })
    progress.clear()
    expect(written()).toBe('')
  })
})

describe('the end of a run', () => {
  const summary: RunSummary = {
    lines: 5,
    failed: 0,
    resumedLines: 0,
    tokens: 1000,
    cachedTokens: 0,
    seconds: 2,
    aborted: false,
    outputClosed: false,
    alreadyComplete: false,
  }

  it.each<[string, Partial<RunSummary>, string[]]>([
    ['all well', {}, ['note 5 lines, 1,000 tokens in 2.0 s, 500 tok/s']],
    ['shared tokens', { cachedTokens: 400 }, ['note 5 lines, 1,000 tokens (400 shared) in 2.0 s, 500 tok/s']],
    [
      'a resumed run',
      { resumedLines: 4 },
      ['note 1 line, 1,000 tokens in 2.0 s, 500 tok/s, after 4 lines of the earlier run'],
    ],
    [
      'failed lines',
      { failed: 2 },
      ['note 5 lines, 1,000 tokens in 2.0 s, 500 tok/s', 'warn 2 of 5 lines failed; see the errors in the output.'],
    ],
    [
      'a stopped run',
      { aborted: true },
      [
        'note 5 lines, 1,000 tokens in 2.0 s, 500 tok/s',
        'note 5 lines saved; add --resume to the same command to go on.',
      ],
    ],
    ['nothing to do', { alreadyComplete: true }, ['note out.jsonl is complete already; nothing was done.']],
  ])('%s', (_, changes, expected) => {
    const { messages, said } = recorder()
    sayEnd(messages, { ...summary, ...changes }, 'out.jsonl')
    expect(said).toEqual(expected)
  })

  it('shows the first failed lines only', () => {
    const { messages, said } = recorder()
    const report = lineErrorsTo(messages)
    for (let line = 1; line <= 10; line++) report({ line, error: new QvlError('REQUEST_INVALID', { what: 'No.' }) })
    expect(said).toEqual([1, 2, 3].map((line) => `note line ${line}: error[REQUEST_INVALID] No.`))
  })
})

function terminal(): { stream: NodeJS.WriteStream; written: () => string } {
  const stream = new PassThrough()
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  // What cli-progress uses of a terminal: writing, isTTY and columns.
  const asTerminal = Object.assign(stream, { isTTY: true, columns: 100 }) as unknown as NodeJS.WriteStream
  return { stream: asTerminal, written: () => Buffer.concat(chunks).toString() }
}

function recorder(): { messages: Messages; said: string[] } {
  const said: string[] = []
  const say = (kind: string) => (message: string) => void said.push(`${kind} ${message}`)
  const error = (thrown: QvlError): void => void said.push(`error ${thrown.code}`)
  return { messages: { error, warn: say('warn'), note: say('note'), detail: say('detail') }, said }
}
