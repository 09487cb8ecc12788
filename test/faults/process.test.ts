// The life of the process: starting where it cannot, signals at every moment, and what it exits with.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkpointPath, type ServerProcess, spawnServe, startServer, until } from '../support/server.js'

/** No two begin alike, so that nothing is computed once for several. */
const distinct = (count: number, { from = 0, repeat = 12 } = {}): string[] =>
  Array.from({ length: count }, (_, index) => `${from + index} ${'some text that takes a while '.repeat(repeat)}`)

async function loadOf(server: ServerProcess): Promise<number> {
  const body = (await (await fetch(`${server.url}/load`)).json()) as { server_load: number }
  return body.server_load
}

/** Why there was no answer at all, as the operating system calls it. */
function refusalOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(error)
}

describe('67: SIGTERM', () => {
  it('idle: exits 0', async () => {
    await using server = await startServer('qwen3-embedding')
    server.kill('SIGTERM')
    expect(await server.ended).toBe(0)
  })

  it.each(['0.4', '1.2'])('readiness is false at once, and the server still answers for %s s', async (delay) => {
    await using server = await startServer('qwen3-embedding', { args: ['--drain-delay', delay] })
    const started = performance.now()
    server.kill('SIGTERM')
    await server.logged('Shutting down')
    expect((await fetch(`${server.url}/health`)).status).toBe(503)
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200)
    expect((await server.post('/v1/embeddings', { input: 'still served' })).status).toBe(200)
    expect(await server.ended).toBe(0)
    expect(performance.now() - started).toBeGreaterThan(Number(delay) * 1000 - 50)
  })

  it('with 100 requests in flight: what was taken is answered', async () => {
    await using server = await startServer('qwen3-embedding')
    const answers = Array.from({ length: 100 }, (_, index) =>
      server
        .post('/v1/embeddings', { input: distinct(10, { from: 10 * index }) })
        .then(({ status }) => status, refusalOf),
    )
    await until(async () => (await loadOf(server)) > 50)
    const taken = await loadOf(server)
    server.kill('SIGTERM')
    const outcomes = await Promise.all(answers)
    // Whoever came later was told so, or found no server; nobody was cut off.
    expect(outcomes.filter((outcome) => ![200, 503, 'ECONNREFUSED'].includes(outcome))).toEqual([])
    expect(outcomes.filter((outcome) => outcome === 200).length).toBeGreaterThanOrEqual(taken)
    expect(await server.ended).toBe(0)
  })

  it.each(['0.3', '1'])(
    'with a request that takes longer than %s s: it gets an error, and the exit code says so',
    async (timeout) => {
      await using server = await startServer('qwen3-embedding', {
        args: ['--drain-timeout', timeout],
      })
      const started = performance.now()
      const answer = server.post('/v1/embeddings', { input: distinct(2000, { repeat: 60 }) })
      await until(async () => (await loadOf(server)) === 1)
      server.kill('SIGTERM')
      expect((await answer).status).toBe(503)
      expect(performance.now() - started).toBeGreaterThan(Number(timeout) * 1000)
      expect([143, 'SIGTERM']).toContain(await server.ended)
      expect(server.output).toContain('1 requests were cut off')
    },
  )

  it('while loading: leaves promptly', async () => {
    await using server = await startServer('qwen3-embedding', { early: true })
    server.kill('SIGTERM')
    const started = performance.now()
    // Loading this checkpoint takes a moment only, so it may have been ready already.
    expect([0, 143, 'SIGTERM']).toContain(await server.ended)
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('68: SIGINT', () => {
  it('does not wait for load balancers', async () => {
    await using server = await startServer('qwen3-embedding', { args: ['--drain-delay', '60'] })
    server.kill('SIGINT')
    expect(await server.ended).toBe(0)
  })

  it('twice: leaves at once', async () => {
    await using server = await startServer('qwen3-embedding', { args: ['--drain-delay', '60'] })
    server.kill('SIGTERM')
    await server.logged('Shutting down')
    const started = performance.now()
    server.kill('SIGINT')
    expect([130, 143, 'SIGINT', 'SIGTERM']).toContain(await server.ended)
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('72: too few resources', () => {
  it.each([64, 140])('ulimit -n %d: refuses with a plan', async (files) => {
    const command = `ulimit -n ${files}; exec "$0" "$@"`
    const child = spawn('bash', [
      '-c',
      command,
      process.execPath,
      'bin/qvl.js',
      'serve',
      checkpointPath('qwen3-embedding'),
      '--port',
      '0',
    ])
    let output = ''
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk
    })
    const [code] = await once(child, 'close')
    expect([code, output]).toEqual([1, expect.stringMatching(/error\[FILES_EXHAUSTED\][\s\S]*ulimit -n 4096/)])
  })
})

describe('73: addresses', () => {
  it('a port in use: exits 1, and takes no other', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const server = spawnServe([checkpointPath('qwen3-embedding'), '--port', String(port)])
    expect(await server.ended).toBe(1)
    expect(server.output).toMatch(/error\[LISTEN_FAILED\].*\n.*Another process uses this address/)
    other.close()
  })

  const hosts = ['192.0.2.1', 'no-such-host.invalid']
  it.each(hosts)('the host %s: exits 2', async (host) => {
    const server = spawnServe([checkpointPath('qwen3-embedding'), '--host', host, '--port', '0'])
    expect(await server.ended).toBe(2)
    expect(server.output).toContain('error[USAGE]')
    expect(server.output).not.toContain('Listening at')
  })

  it.skipIf(process.getuid?.() === 0)('a privileged port: exits 1', async () => {
    const server = spawnServe([checkpointPath('qwen3-embedding'), '--port', '80'])
    expect(await server.ended).toBe(1)
  })
})

describe('a checkpoint that cannot be served', () => {
  it('ends the server with the exit code of its defect', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'qvl-broken-'))
    await cp(checkpointPath('qwen3-embedding'), dir, { recursive: true })
    await writeFile(path.join(dir, 'config.json'), '{')
    const server = spawnServe([dir, '--port', '0'])
    expect(await server.ended).toBe(3)
    expect(server.output).toMatch(/error\[\w+\]/)
    await rm(dir, { recursive: true })
  })
})
