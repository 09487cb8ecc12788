// The panel and the phases of a start as lines: at every width, and as the documentation shows them.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { type PanelSize, panelLines } from '#qvl/cli/panel/layout.js'
import { fit, padded, plainSymbols, richSymbols, symbolsFor, widthOf } from '#qvl/cli/panel/line.js'
import { mayDraw } from '#qvl/cli/panel/may-draw.js'
import { Phases } from '#qvl/cli/panel/phases.js'
import { lineColumns, rowsTaken } from '#qvl/cli/panel/reflow.js'
import type { Snapshot } from '#qvl/cli/panel/snapshot.js'

const size = (columns: number, more: Partial<PanelSize> = {}): PanelSize => ({
  ...{ columns, rows: 50, color: false, symbols: richSymbols, ...more },
})

const busy: Snapshot = {
  address: 'http://127.0.0.1:8000',
  model: 'Qwen/Qwen3-VL-Reranker-2B',
  server: 'qvl 0.1.0',
  device: 'cpu',
  state: 'ready',
  why: 'The model is loaded and warm.',
  uptimeSeconds: 8_040,
  running: 12,
  waiting: 340,
  requestsPerSecond: 51.24,
  inputsPerSecond: 512.4,
  tokensPerSecond: 48_200,
  computedTokensPerSecond: 21_900,
  latency: { p50: 0.031, p95: 0.124, p99: 0.242 },
  windowSeconds: 60,
  prefixCache: { queries: 1_000_000, hits: 546_000 },
  imageCache: { queries: 2_000, hits: 1_240 },
  cacheUsage: 0.12,
  busyShare: 0.87,
  coresBusy: 1.9,
  residentBytes: 1.25 * 1024 ** 3,
  errors: [
    { code: '429', count: 12, what: 'overloaded', secondsAgo: 3 },
    { code: '422', count: 2, what: 'unusable image or video', secondsAgo: 840 },
    { code: '404', count: 1, what: 'no such path or model', secondsAgo: undefined },
  ],
  history: Array.from({ length: 60 }, (_, index) => 24_000 + 24_200 * Math.sin(index / 9) ** 2),
}

const away: Snapshot = {
  ...busy,
  ...{ state: 'unreachable', why: 'No answer from http://127.0.0.1:8000: nothing listens there.' },
  ...{ device: undefined, uptimeSeconds: undefined, running: undefined, waiting: undefined, latency: undefined },
  ...{ requestsPerSecond: undefined, inputsPerSecond: undefined, tokensPerSecond: undefined, busyShare: undefined },
  ...{ computedTokensPerSecond: undefined, prefixCache: undefined, imageCache: undefined, cacheUsage: undefined },
  ...{ coresBusy: undefined, residentBytes: undefined, errors: undefined, history: [] },
}

const wide: Snapshot = {
  ...busy,
  model: '千问/重排序模型-二十亿参数-很长很长的名字-👩‍👩‍👧-é\u0301-\u001b[31m',
  address: 'http://主机.example:8000/前缀',
  errors: Array.from({ length: 9 }, (_, index) => ({
    ...busy.errors![0]!,
    code: `${500 + index}`,
    count: 10 ** index,
  })),
}

describe('the panel', () => {
  const snapshots = { busy, away, wide, draining: { ...busy, state: 'draining', why: '3 requests are left.' } as const }
  const widths = [1, 2, 5, 10, ...Array.from({ length: 121 }, (_, index) => 2 * index + 20)]
  it.each(Object.entries(snapshots))('no line is wider than the terminal: %s', (_, snapshot) => {
    for (const columns of widths) {
      for (const color of [false, true]) {
        for (const symbols of [richSymbols, plainSymbols]) {
          const lines = panelLines(snapshot, size(columns, { color, symbols })).map(stripVTControlCharacters)
          expect(lines.filter((line) => widthOf(line) > columns)).toEqual([])
          expect(/\p{Cc}/u.test(lines.join(''))).toBe(false)
        }
      }
    }
  })

  it.each([1, 2, 3, 8, 11])('there are fewer lines than the %i rows of the terminal', (rows) => {
    for (const columns of [40, 80, 200]) {
      const { length } = panelLines(busy, size(columns, { rows }))
      expect(length).toBeGreaterThan(0)
      expect(length).toBeLessThan(Math.max(2, rows))
    }
  })

  it('shows every figure from 40 columns on', () => {
    const figures = ['12', '340', '51.2', '512', '48.2k', '21.9k', '31 ms', '124 ms', '242 ms', '55 %', '62 %', '87 %']
    for (const columns of [40, 80, 120, 200]) {
      const text = panelLines(busy, size(columns)).join('\n')
      expect(figures.filter((figure) => !text.includes(` ${figure}`))).toEqual([])
      expect(text).toContain('429 × 12  overloaded')
    }
  })

  it('what the server does not tell is a dash, and why it is away is said', () => {
    const lines = panelLines(away, size(80))
    expect(lines[0]).toMatch(/unreachable ──$/)
    expect(lines[2]).toBe(' No answer from http://127.0.0.1:8000: nothing listens there. Asking again.')
    expect(lines.slice(3).filter((line) => /\d/.test(line.replace('last 60 s', '').replace(/p\d\d/g, '')))).toEqual([])
  })

  it('has no colour where none is wanted, and plain characters where UTF-8 is not spoken', () => {
    expect(panelLines(busy, size(80)).join('')).not.toContain('\u001b')
    expect(panelLines(busy, size(80, { color: true })).join('')).toContain('\u001b[32mready\u001b[0m')
    const plain = panelLines(busy, size(80, { symbols: plainSymbols })).join('')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
    expect(plain).toMatch(/^[\x00-\x7f]*$/)
  })

  it.each([80, 200])('is what the documentation shows at %i columns', (columns) => {
    const page = readFileSync(fileURLToPath(new URL('../../docs/terminal.md', import.meta.url)), 'utf8')
    expect(page).toContain(`\`\`\`\n${panelLines(busy, size(columns)).join('\n')}\n\`\`\``)
  })
})

describe('the phases of a start', () => {
  function started(): { phases: Phases; pass: (ms: number) => void } {
    let now = 1000
    const phases = new Phases(() => now)
    const pass = (ms: number): void => {
      now += ms
    }
    phases.enter('resolve')
    pass(400)
    phases.download({ file: 'config.json', received: 700, total: 700, files: 3, done: 1 })
    const shard = { file: 'model-00001-of-00002.safetensors', total: 4e9, files: 3, done: 1 }
    phases.download({ ...shard, received: 0.5e9 })
    pass(10_000)
    phases.download({ ...shard, received: 1.5e9 })
    return { phases, pass }
  }

  it('a download tells files, speed and the time that is left, and has a bar for each file', () => {
    expect(started().phases.lines('qvl 1 starts with m', size(80))).toEqual([
      'qvl 1 starts with m',
      ' ✓ resolve     0.4 s',
      ' ⠋ download     10 s   1 of 3 files, 1.5 of 4.0 GB, 100.0 MB/s, over 25 s left',
      '     model-00001-of-00002.safetensors         ████████░░░░░░░░░░░░  37 %',
      '   read',
      '   pack',
      '   warm up',
    ])
  })

  it('each has its seconds when it is over, and one that was not needed is left out', () => {
    const { phases, pass } = started()
    phases.enter('read')
    pass(1500)
    phases.enter('read')
    phases.enter('pack')
    pass(12_000)
    phases.enter('warm up')
    pass(300)
    phases.end()
    pass(1000)
    expect(phases.summary).toBe('resolve 0.4 s, download 10 s, read 1.5 s, pack 12 s, warm up 0.3 s')
    expect(phases.lines('t', size(80))[2]).toBe(' ✓ download     10 s   3 files, 1.5 GB, 100.0 MB/s')
    const cached = new Phases(() => 0)
    cached.enter('resolve')
    cached.enter('read')
    expect(cached.lines('t', size(80)).join('\n')).not.toContain('download')
  })

  it('no line is wider than the terminal, and there are fewer than its rows', () => {
    const { phases } = started()
    for (let columns = 1; columns <= 220; columns++) {
      const lines = phases.lines('qvl 1 starts with 千问/重排序', size(columns, { color: true, rows: 6 }))
      expect(lines.filter((line) => lineColumns(line) > columns)).toEqual([])
      expect(lines.length).toBeLessThan(6)
    }
  })
})

describe('the width of text', () => {
  it.each<[string, number]>([
    ['', 0],
    ['abc', 3],
    ['─ · × … ✓ █ ▁', 13],
    ['千问', 4],
    ['한국어', 6],
    ['ｆｕｌｌ', 8],
    ['e\u0301', 1],
    ['👩‍👩‍👧', 2],
    ['❤️', 2],
    ['\u200b', 0],
  ])('%s takes %i columns', (text, columns) => {
    expect(widthOf(text)).toBe(columns)
  })

  it.each<[string, number, string]>([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['千问千', 4, '千…'],
    ['abc', 1, '…'],
    ['abc', 0, ''],
  ])('%s in %i columns is %s', (text, columns, expected) => {
    expect(fit(text, columns, richSymbols)).toBe(expected)
  })

  it('is filled up with spaces', () => {
    expect([padded('千', 5, richSymbols), padded('abcdef', 3, richSymbols)]).toEqual(['千   ', 'ab…'])
  })

  it('lines that are too wide take more rows of a narrower terminal', () => {
    expect(rowsTaken([80, 20, 0], 40)).toBe(4)
    expect(rowsTaken([lineColumns('\u001b[31m千问\u001b[0m')], 4)).toBe(1)
  })
})

describe('where lines may be drawn', () => {
  it.each<[boolean, NodeJS.ProcessEnv]>([
    [true, { CI: '' }],
    [true, { CI: 'false' }],
    [false, { CI: 'true' }],
    [false, { CI_NAME: 'x' }],
    [false, { CONTINUOUS_INTEGRATION: '1' }],
  ])('%s with %j', (expected, env) => {
    const animate = { animate: true }
    // Where the process itself stands, in front or behind, is the same in all rows.
    expect(mayDraw(animate, env)).toBe(expected && mayDraw(animate, {}))
    expect(mayDraw({ animate: false }, env)).toBe(false)
  })

  it.each<[string, NodeJS.ProcessEnv]>([
    ['─', { LANG: 'C.UTF-8' }],
    ['─', { LC_ALL: 'en_US.utf8', LANG: 'C' }],
    [process.platform === 'linux' ? '-' : '─', { LC_ALL: 'C', LANG: 'en_US.UTF-8' }],
    [process.platform === 'linux' ? '-' : '─', {}],
  ])('a rule of %s with %j', (rule, env) => {
    expect(symbolsFor(env).rule).toBe(rule)
  })
})
