// `qvl serve` as people start it: the command lines of the tutorials, TLS, sockets, keys.

import { execFileSync, spawnSync } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { request as secureRequest } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkpointPath, type ServerProcess, spawnServe } from '../support/server.js'

/** It makes the certificate; Node cannot. */
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'qvl-serve-'))
})
afterAll(() => rm(dir, { recursive: true }))

async function started(args: readonly string[], env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = spawnServe(args, { cwd: dir, env })
  await server.logged('Application startup complete.')
  return server
}

describe('the command lines of the vLLM-Ascend tutorials', () => {
  it('Qwen3-VL-Embedding', async () => {
    await using server = await started([checkpointPath('qwen3-vl-embedding'), '--runner', 'pooling'], { QVL_PORT: '0' })
    const answer = await server.post('/v1/embeddings', {
      input: ['The capital of China is Beijing.', 'Gravity is a force that attracts two bodies towards each other.'],
    })
    expect(answer.status).toBe(200)
    expect(((await answer.json()) as { data: unknown[] }).data).toHaveLength(2)
  })

  it('Qwen3-VL-Reranker', async () => {
    const template = fileURLToPath(new URL('../prompts/fixtures/tutorial-no-newline.jinja', import.meta.url))
    await copyFile(template, path.join(dir, 'qwen3_vl_reranker.jinja'))
    const overrides =
      '{"architectures": ["Qwen3VLForSequenceClassification"],"classifier_from_token": ["no", "yes"],"is_original_qwen3_reranker": true}'
    const words = ['--runner', 'pooling', '--max-model-len', '4096', '--hf_overrides', overrides]
    const file = ['--chat-template', './qwen3_vl_reranker.jinja']
    await using server = await started([checkpointPath('qwen3-vl-reranker'), ...words, ...file], { QVL_PORT: '0' })
    const answer = await server.post('/v1/rerank', {
      query: 'What is the capital of China?',
      documents: ['Beijing.', 'Gravity.'],
    })
    expect(answer.status).toBe(200)
    const plain = await started([checkpointPath('qwen3-vl-reranker')], { QVL_PORT: '0' })
    const bare = await plain.post('/v1/rerank', {
      query: 'What is the capital of China?',
      documents: ['Beijing.', 'Gravity.'],
    })
    await plain.stop()
    // Neither the overrides nor the template are needed, and they change nothing.
    const scores = async (from: Response) =>
      ((await from.json()) as { results: { relevance_score: number }[] }).results.map((each) => each.relevance_score)
    const [withFlags, without] = [await scores(answer), await scores(bare)]
    for (const [index, score] of without.entries()) expect(withFlags[index]).toBeCloseTo(score, 3)
  })
})

describe('ways to reach it', () => {
  it.skipIf(!hasOpenssl)('TLS', async () => {
    const [key, cert] = [path.join(dir, 'key.pem'), path.join(dir, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-days', '1', '-nodes']
    const files = ['-keyout', key, '-out', cert]
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...subject, ...files], { stdio: 'ignore' })
    const args = [checkpointPath('qwen3-embedding'), '--port', '0', '--ssl-keyfile', key, '--ssl-certfile', cert]
    await using server = await started(args)
    const ca = await readFile(cert)
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const target = { host: '127.0.0.1', port: server.port, path: '/health', ca, servername: 'localhost' }
      secureRequest(target, (answer) => resolve(answer.statusCode))
        .on('error', reject)
        .end()
    })
    expect([server.url.startsWith('https://'), status]).toEqual([true, 200])
    await expect(fetch(server.url.replace('https', 'http'))).rejects.toThrow()
  })

  it('a Unix socket', async () => {
    const socketPath = path.join(dir, 'qvl.sock')
    await using _server = await started([checkpointPath('qwen3-embedding'), '--uds', socketPath])
    const status = await new Promise<number | undefined>((resolve, reject) => {
      request({ socketPath, path: '/health' }, (answer) => resolve(answer.statusCode))
        .on('error', reject)
        .end()
    })
    expect(status).toBe(200)
  })

  it('with a key of the environment, under another name', async () => {
    const args = [checkpointPath('qwen3-embedding'), '--port', '0', '--served-model-name', 'small', 'alias']
    await using server = await started(args, { VLLM_API_KEY: 'secret' })
    expect((await fetch(`${server.url}/v1/models`)).status).toBe(401)
    const auth = { authorization: 'Bearer secret' }
    const models = (await (await fetch(`${server.url}/v1/models`, { headers: auth })).json()) as {
      data: { id: string }[]
    }
    expect(models.data.map(({ id }) => id)).toEqual(['small', 'alias'])
    const answer = await server.post('/v1/embeddings', { model: 'alias', input: 'x' }, auth)
    expect(((await answer.json()) as { model: string }).model).toBe('small')
    expect(server.output).not.toContain('secret')
  })

  it('logs JSON lines, one for each request', async () => {
    const server = await started([checkpointPath('qwen3-embedding'), '--port', '0', '--log-format', 'json'])
    await server.post('/v1/embeddings', { input: 'private words' }, { 'x-request-id': 'mine' })
    await server.stop()
    const entries = server.output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(entries.find(({ id }) => id === 'mine')).toMatchObject({ level: 'info', message: 'POST /v1/embeddings 200' })
    expect(server.output).not.toContain('private words')
  })

  it('warns of an open door', async () => {
    await using server = await started([checkpointPath('qwen3-embedding'), '--port', '0', '--host', '0.0.0.0'])
    expect(server.output).toContain('Everybody who reaches 0.0.0.0 can use this server.')
    expect((await fetch(`${server.url}/health`)).status).toBe(200)
  })
})

describe('ways that cannot be', () => {
  it.each([
    ['a folder that is not there', ['--uds', 'nowhere/qvl.sock'], 'The folder of this socket does not exist'],
    ['a path that is too long', ['--uds', `${'long'.repeat(40)}.sock`], ' bytes at most'],
    ['a file', ['--uds', 'a-file'], 'the path is that of a file'],
    ['a key that is none', ['--ssl-keyfile', 'a-file', '--ssl-certfile', 'a-file'], '--ssl-'],
  ])('%s ends the start', async (_, words, said) => {
    await writeFile(path.join(dir, 'a-file'), 'not a key')
    await using server = spawnServe([checkpointPath('qwen3-embedding'), '--port', '0', ...words], { cwd: dir })
    expect([1, 2]).toContain(await server.ended)
    expect(server.output).toContain(said)
    expect(server.output).not.toContain('ports below 1024')
  })
})
