// What people see of `qvl serve` in a real terminal: the start, the panel, log lines above it, and a clean screen after.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { goldenRepository, startHub } from '../checkpoint/hub/server.js'
import { checkpointPath, until } from '../support/server.js'
import { hasTmux, openTerminal, prompt, qvlCommand, type TmuxTerminal } from '../support/tmux.js'

const serve = `${qvlCommand} serve "${checkpointPath('qwen3-reranker')}" --port 0 --served-model-name tiny`

const addressOn = (lines: readonly string[]): string => /^ (http:\/\/\S+) · /m.exec(lines.join('\n'))![1]!

async function rerank(url: string, documents: readonly string[] = ['b', 'c']): Promise<number> {
  const body = JSON.stringify({ query: 'a', documents })
  const headers = { 'content-type': 'application/json' }
  return (await fetch(`${url}/v1/rerank`, { method: 'POST', headers, body })).status
}

/** Nothing of the panel is left, and the shell asks for the next command. */
async function expectCleanScreen(terminal: TmuxTerminal): Promise<string> {
  const lines = await terminal.sees(new RegExp(`\\n${prompt}$`))
  expect(lines.filter((line) => /^──|^ requests|^ tokens|^ errors/.test(line))).toEqual([])
  expect(await terminal.cursorIsShown()).toBe(true)
  return lines.join('\n')
}

describe.skipIf(!hasTmux)('qvl serve in a terminal', () => {
  const sizes = [
    { columns: 80, rows: 24 },
    { columns: 200, rows: 50 },
  ]
  it.each(sizes)('shows a panel below the log at $columns columns', async (size) => {
    await using terminal = await openTerminal(size)
    await terminal.enter(serve)
    const first = await terminal.sees('── qvl ', ' ready ──', 'errors     none')
    const url = addressOn(first)
    expect(await terminal.everything()).toMatch(
      /Start: resolve \d+\.\d s, read \d+\.\d s, pack \d+\.\d s, warm up \d+\.\d s/,
    )
    for (let index = 0; index < 5; index++) expect(await rerank(url)).toBe(200)
    expect((await fetch(`${url}/nope`)).status).toBe(404)
    const lines = await terminal.sees('404 × 1  no such path or model', /p50 [\d.]+ m?s/, /prefix \d+ %/)
    expect(lines.filter((line) => line.startsWith('──'))).toHaveLength(1)
    // The panel is at the end of the screen, below the log.
    const head = lines.findIndex((line) => line.startsWith('── qvl '))
    expect(lines[head]).toHaveLength(size.columns)
    expect(lines[head]).toContain(' · tiny ─')
    expect(lines.slice(head).filter((line) => line.includes('INFO'))).toEqual([])
    const log = await terminal.everything()
    expect(log.match(/POST \/v1\/rerank 200/g)).toHaveLength(5)
    expect(log).toMatch(/^\d{4}-\S+Z INFO {4}Ready after .* at http:/m)
    await terminal.press('C-c')
    const last = await expectCleanScreen(terminal)
    expect(last).toContain('All requests are answered. Goodbye.')
    await terminal.enter('echo code $?')
    await terminal.sees('code 0')
  })

  it('follows the size of the terminal, and leaves no remains', async () => {
    await using terminal = await openTerminal({ columns: 160, rows: 40 })
    await terminal.enter(serve)
    const url = addressOn(await terminal.sees(' ready ──'))
    for (const columns of [60, 40, 120, 80]) {
      await terminal.resize(columns, 30)
      await until(async () =>
        (await terminal.screen()).some((line) => line.startsWith('── ') && line.length === columns),
      )
      expect(await rerank(url)).toBe(200)
      const lines = await terminal.sees(/p50 [\d.]+ m?s/)
      expect(lines.filter((line) => line.startsWith('── '))).toHaveLength(1)
      expect(lines.filter((line) => line.startsWith(' errors'))).toHaveLength(1)
    }
    await terminal.resize(80, 6)
    await until(async () => (await terminal.screen()).length <= 6)
    await terminal.press('C-c')
    await terminal.sees(new RegExp(`${prompt}$`))
  })

  it('shows what is being downloaded, and can be left while it is', async () => {
    const home = await mkdtemp(join(tmpdir(), 'qvl-terminal-'))
    const hub = await startHub({ 'tiny/qwen3-reranker': goldenRepository('qwen3-reranker') })
    hub.faults.set('model.safetensors', [{ kind: 'stall', after: 100_000 }])
    const env = { HF_ENDPOINT: hub.url, HF_HOME: home, HF_HUB_OFFLINE: '0' }
    await using terminal = await openTerminal({ columns: 80, rows: 24, env })
    await terminal.enter(`${qvlCommand} serve tiny/qwen3-reranker --port 0`)
    const lines = await terminal.sees(
      '✓ resolve',
      /download +\d+\.\d s +\d+ of \d+ files, 0\.\d of \d\.\d MB/,
      /^ +model\.safetensors +█+░+ +\d+ %$/m,
      '   warm up',
    )
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    await terminal.press('C-c')
    await expectCleanScreen(terminal)
    await terminal.enter('echo code $?')
    await terminal.sees('code 130')
    await rm(home, { recursive: true })
  })

  it('gives the terminal back when it cannot start', async () => {
    await using terminal = await openTerminal({ columns: 80, rows: 24 })
    await terminal.enter(`${qvlCommand} serve /nonexistent/model --port 0`)
    const last = await expectCleanScreen(terminal)
    expect(last).toMatch(/error\[MODEL_\w+\]/)
    await terminal.enter(`echo code $?`)
    await terminal.sees(/code [123]/)
  })

  it('says that it drains, and a second signal leaves at once', async () => {
    // Long enough that the test ends it, not the time.
    await using terminal = await openTerminal({ columns: 100, rows: 30, env: { QVL_DRAIN_DELAY: '600' } })
    await terminal.enter(`sh -c 'echo pid $$; exec "$@"' sh ${serve}`)
    await terminal.sees(' ready ──')
    const pid = Number(/^pid (\d+)$/m.exec(await terminal.everything())![1])
    process.kill(pid, 'SIGTERM')
    await terminal.sees(' draining ──', 'Shutting down: what is in flight is answered first')
    await terminal.press('C-c')
    await expectCleanScreen(terminal)
    await terminal.enter('echo code $?')
    await terminal.sees('code 143')
  })

  it('gives the terminal back when it crashes', async () => {
    const crash = 'data:text/javascript,setTimeout(()=>{throw(new(Error)(1))},4000)'
    await using terminal = await openTerminal({ columns: 100, rows: 30, env: { NODE_OPTIONS: `--import=${crash}` } })
    await terminal.enter(serve)
    await terminal.sees(' ready ──')
    expect(await expectCleanScreen(terminal)).toContain('error[INTERNAL]')
  })

  it('has no colour with NO_COLOR, and some without it', async () => {
    for (const [env, colored] of [
      [{ NO_COLOR: '1' }, false],
      [{}, true],
    ] as const) {
      await using terminal = await openTerminal({ columns: 80, rows: 24, env })
      await terminal.enter(serve)
      await terminal.sees(' ready ──')
      const styled = await terminal.styled()
      expect(styled.includes('\u001b[')).toBe(colored)
    }
  })
})
