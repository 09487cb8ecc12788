// Terminals and pipes without a panel: the log of `qvl serve`, and the bars of a run.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkpointPath, spawnServe } from '../support/server.js'
import { hasTmux, openTerminal, prompt, qvlCommand } from '../support/tmux.js'

const serve = `${qvlCommand} serve "${checkpointPath('qwen3-reranker')}" --port 0`

describe.skipIf(!hasTmux)('qvl serve in a terminal', () => {
  it.each([
    ['in the background', `${serve} &`, {}],
    ['with --no-progress', `${serve} --no-progress`, {}],
    ['with --log-format json', `${serve} --log-format json`, {}],
    ['on a dumb terminal', serve, { TERM: 'dumb' }],
    ['on a build machine', serve, { CI: 'true' }],
  ])('draws nothing %s', async (_, command, env) => {
    await using terminal = await openTerminal({ columns: 120, rows: 30, env })
    await terminal.enter(command)
    const lines = await terminal.sees('Application startup complete.')
    expect(lines.filter((line) => /^──|^ requests|✓/.test(line))).toEqual([])
    expect(await terminal.cursorIsShown()).toBe(true)
    if (command.endsWith('&')) await terminal.enter('kill %1')
    else await terminal.press('C-c')
    await terminal.sees('Goodbye.')
  })
})

describe.skipIf(!hasTmux)('qvl in a terminal', () => {
  it('says what is missing where nothing is to be read, below the help', async () => {
    await using terminal = await openTerminal({ columns: 80, rows: 24 })
    await terminal.enter(`${qvlCommand} embed; echo "code $?"`)
    const lines = await terminal.sees('code 2')
    expect(lines.join('\n')).toMatch(
      /Exit codes:[\s\S]*\nerror\[USAGE\] qvl embed has nothing to read\.\n.+\n.+--text\.\n/,
    )
  })
})

describe('qvl serve into a pipe', () => {
  it('writes log lines and nothing else', async () => {
    await using server = spawnServe([checkpointPath('qwen3-reranker'), '--port', '0'])
    await server.logged('Application startup complete.')
    expect((await server.post('/v1/rerank', { query: 'a', documents: ['b'] })).status).toBe(200)
    await server.logged('POST /v1/rerank 200')
    await server.stop()
    const lines = server.output.trimEnd().split('\n')
    expect(lines.filter((line) => !/^\d{4}-\d\d-\d\dT[\d:.]+Z (INFO {4}|WARNING )[A-Z]/.test(line))).toEqual([])
    expect(server.output).not.toContain('\u001b')
  })
})

describe.skipIf(!hasTmux)('bars of a run in a terminal', () => {
  it.each([80, 200])('fit into %i columns, and are gone in the end', async (columns) => {
    const folder = await mkdtemp(join(tmpdir(), 'qvl-bars-'))
    const lines = Array.from({ length: 20_000 }, (_, index) => JSON.stringify(`some words of line ${index}`))
    await writeFile(join(folder, 'texts.jsonl'), `${lines.join('\n')}\n`)
    await using terminal = await openTerminal({ columns, rows: 24 })
    const model = checkpointPath('qwen3-embedding')
    await terminal.enter(`cd ${folder}; ${qvlCommand} embed texts.jsonl -o vectors.jsonl -m "${model}"`)
    const shown = await terminal.sees(/^█+░* +\d+ % {2}[\d,]+ lines, [\d,]+ tokens, [\d,]+ tok\/s, \d+ s left$/m)
    expect(shown.filter((line) => line.includes('░'))).toHaveLength(1)
    await terminal.press('C-c')
    const last = await terminal.sees(/lines saved; add --resume/, new RegExp(`\\n${prompt}$`))
    expect(last.filter((line) => /[█░]/.test(line))).toEqual([])
    expect(await terminal.cursorIsShown()).toBe(true)
    await rm(folder, { recursive: true })
  })
})
