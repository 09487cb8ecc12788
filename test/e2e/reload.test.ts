// SIGHUP on a running server: its keys are read again. And the level of its log, from a flag and from vLLM's variable.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkpointPath, type ServerProcess, spawnServe, startServer, until } from '../support/server.js'
import { qvl } from './run-qvl.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-reload-'))
})
afterAll(() => rm(folder, { recursive: true }))

const statusWith = async (server: ServerProcess, key: string): Promise<number> =>
  (await fetch(`${server.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } })).status

describe('SIGHUP', () => {
  it('makes the server read its keys again, and keeps them when the file is no good', async () => {
    const file = join(folder, 'keys.txt')
    await writeFile(file, 'old\n')
    await using server = await startServer('qwen3-embedding', { args: ['--api-key-file', file] })
    expect([await statusWith(server, 'old'), await statusWith(server, 'new')]).toEqual([200, 401])
    await writeFile(file, 'new\nnewer\n')
    server.kill('SIGHUP')
    await server.logged('2 are known now')
    expect([await statusWith(server, 'old'), await statusWith(server, 'new')]).toEqual([401, 200])
    for (const [content, said] of [
      ['', 'has no API key'],
      ['two words\n', 'has a space in it'],
    ] as const) {
      await writeFile(file, content)
      server.kill('SIGHUP')
      await server.logged(said)
      expect(await statusWith(server, 'newer')).toBe(200)
    }
    await rm(file)
    server.kill('SIGHUP')
    await server.logged('cannot be read')
    expect([await statusWith(server, 'newer'), await statusWith(server, '')]).toEqual([200, 401])
    server.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  it('ends a server without such a file, as it ends any program', async () => {
    await using server = await startServer('qwen3-embedding')
    server.kill('SIGHUP')
    expect(await server.ended).toBe('SIGHUP')
  })
})

describe('the level of the log', () => {
  it.each([
    [['--log-level', 'warning'], {}],
    [['--log-level', 'ERROR', '--verbose'], {}],
    [[], { VLLM_LOGGING_LEVEL: 'ERROR' }],
    [[], { VLLM_LOGGING_LEVEL: 'DEBUG', QVL_LOG_LEVEL: 'error' }],
  ])('%j %j leaves out what is below it', async (args, env) => {
    const socket = join(folder, 'level.sock')
    await using server = spawnServe([checkpointPath('qwen3-embedding'), '--uds', socket, ...args], { env })
    await until(() => isHealthy(socket), 20_000)
    expect(server.output).toBe('')
  })

  it('is told where it is no level', async () => {
    const { code, stderr } = await qvl(['serve', 'x'], '', { env: { VLLM_LOGGING_LEVEL: 'LOUD' } })
    expect(code).toBe(2)
    expect(stderr).toContain('VLLM_LOGGING_LEVEL does not take the value "LOUD"')
  })
})

const isHealthy = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const asked = request({ socketPath, path: '/health' }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    asked.on('error', () => resolve(false)).end()
  })
