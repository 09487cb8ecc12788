// `qvl top` against a running server: in a real terminal, once, as JSON, and with the server gone and back.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ServerProcess, startServer } from '../support/server.js'
import { hasTmux, openTerminal, prompt, qvlCommand } from '../support/tmux.js'
import { qvl, startQvl } from './run-qvl.js'

let folder: string
let server: ServerProcess
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-top-'))
  server = await startServer('qwen3-reranker', { args: ['--served-model-name', 'tiny'] })
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true })
})

const rerank = (): Promise<Response> => server.post('/v1/rerank', { query: 'a', documents: ['b', 'c'] })

describe('once', () => {
  it('is the panel as plain text', async () => {
    await rerank()
    const { code, stdout, stderr } = await qvl(['top', server.url, '--once', '--interval', '0.2'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).not.toContain('\u001b')
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^-- qvl \d\S+ \| tiny -+ ready --$/)
    expect(lines[1]).toContain(` ${server.url} | cpu | up `)
    expect(
      lines
        .map((line) => line.slice(0, 11).trim())
        .filter((label) => label !== 'tok/s')
        .slice(2),
    ).toEqual(['requests', 'tokens', 'latency', 'cache hits', 'load', 'errors'])
    expect(lines.filter((line) => line.length > 80)).toEqual([])
  })

  it('is one JSON object with --json', async () => {
    const { code, stdout } = await qvl(['top', server.url, '--once', '--json', '--interval', '0.2'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ address: server.url, model: 'tiny', state: 'ready', running: 0, waiting: 0, requests_per_second: 0 },
      ...{ image_cache: { queries: 0, hits: 0 }, errors: [] },
    })
  })

  it('fails where no server is, and with a wrong address', async () => {
    const away = await qvl(['top', 'http://127.0.0.1:1', '--once'])
    expect([away.code, away.stdout]).toEqual([1, ''])
    expect(away.stderr).toMatch(
      /^error\[UPSTREAM_UNAVAILABLE\] No answer from http:\/\/127\.0\.0\.1:1: nothing listens/,
    )
    expect((await qvl(['top', 'nonsense'])).code).toBe(2)
    expect((await qvl(['top', 'http://a', 'http://b'])).code).toBe(2)
  })

  it('wants the key of a server that has one', async () => {
    const key = join(folder, 'key.txt')
    await writeFile(key, '\n secret \nother\n')
    await using locked = await startServer('qwen3-reranker', { args: ['--api-key-file', key] })
    const without = await qvl(['top', locked.url, '--once'])
    expect([without.code, without.stderr.slice(0, 19)]).toEqual([2, 'error[UNAUTHORIZED]'])
    const args = ['top', locked.url, '--once', '--interval', '0.1']
    expect((await qvl([...args, '--api-key-file', key])).code).toBe(0)
    expect((await qvl(args, '', { env: { VLLM_API_KEY: 'other' } })).code).toBe(0)
  })
})

it('into a pipe gives a line of JSON for each look until a signal', async () => {
  const child = startQvl(['top', server.url, '--json', '--interval', '0.1'])
  let text = ''
  for await (const part of child.stdout.setEncoding('utf8')) {
    text += part
    if (text.split('\n').length > 3) child.kill('SIGINT')
  }
  const lines = text.trimEnd().split('\n')
  expect(lines.map((line) => JSON.parse(line).state)).toEqual(lines.map(() => 'ready'))
  expect(child.exitCode ?? (await new Promise((resolve) => child.once('exit', resolve)))).toBe(130)
})

describe.skipIf(!hasTmux)('in a terminal', () => {
  it.each([80, 200])('shows the panel of a server, at %i columns', async (columns) => {
    await using terminal = await openTerminal({ columns, rows: 24 })
    await terminal.enter(`${qvlCommand} top ${server.url} --interval 0.3`)
    await terminal.sees('── qvl ', ' · tiny ─', ' ready ──')
    await rerank()
    const lines = await terminal.sees(/p50 [\d.]+ m?s/)
    expect(lines.filter((line) => line.startsWith('── '))).toHaveLength(1)
    expect(lines.find((line) => line.startsWith('── '))).toHaveLength(columns)
    expect(lines.filter((line) => line.startsWith(' requests') && line.includes('cache hits'))).toHaveLength(
      columns < 140 ? 0 : 1,
    )
    await terminal.press('C-c')
    const last = await terminal.sees(new RegExp(`\\n${prompt}$`))
    expect(last.filter((line) => line.startsWith('── '))).toEqual([])
    expect(await terminal.cursorIsShown()).toBe(true)
    await terminal.enter('echo code $?')
    await terminal.sees('code 130')
  })

  it('says when the server is gone, and goes on when it is back', async () => {
    const first = await startServer('qwen3-reranker', { args: ['--served-model-name', 'tiny'] })
    const { port } = first
    await using terminal = await openTerminal({ columns: 80, rows: 24 })
    await terminal.enter(`${qvlCommand} top http://127.0.0.1:${port} --interval 0.2`)
    await terminal.sees(' ready ──')
    await first.stop()
    await terminal.sees(' unreachable ──', 'nothing listens there. Asking again.', ' · tiny ─', 'running -')
    const second = await startServer('qwen3-reranker', { args: ['--served-model-name', 'new', '--port', String(port)] })
    const lines = await terminal.sees(' ready ──', ' · new ─', 'running 0')
    expect(lines.join('\n')).not.toContain('Asking again')
    await second.stop()
  })
})
