// `qvl --upstream` over a folder that holds no weights: prompts need the configuration and the tokenizer alone.

import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { type Checkpoint, checkpointPath, spawnServe, startServer } from '../support/server.js'

const folder = mkdtempSync(join(tmpdir(), 'qvl-without-weights-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The weights, and what else only a device reads, stay behind. */
function withoutWeights(checkpoint: Checkpoint): string {
  const copy = join(folder, checkpoint)
  cpSync(checkpointPath(checkpoint), copy, {
    recursive: true,
    filter: (file) => !/^model.*\.safetensors$/.test(basename(file)),
  })
  return copy
}

const documents = ['an apple', 'a castle']

it.each<[Checkpoint, string, object]>([
  ['qwen3-embedding', '/v1/embeddings', { input: documents, encoding_format: 'base64' }],
  ['qwen3-reranker', '/v1/rerank', { query: 'red fruit', documents }],
  ['qwen3-reranker-seq-cls', '/v1/rerank', { query: 'red fruit', documents }],
  ['xlm-roberta-reranker', '/v1/rerank', { query: 'red fruit', documents }],
])('%s answers as its replica does', async (checkpoint, path, body) => {
  const args = ['--served-model-name', 'm']
  await using replica = await startServer(checkpoint, { args })
  const upstream = ['--upstream', replica.url, '--served-upstream-model', 'm', ...args]
  await using server = await startServer(withoutWeights(checkpoint), { args: upstream })
  const [here, there] = await Promise.all([replica, server].map(async (each) => (await each.post(path, body)).json()))
  const { id: _here, created: _then, ...expected } = here as Record<string, unknown>
  expect(there).toMatchObject(expected)
})

it('computing here still needs them', async () => {
  await using server = spawnServe([withoutWeights('qwen3-embedding'), '--port', '0'])
  expect(await server.ended).not.toBe(0)
  expect(server.output).toMatch(/has no weights|CHECKPOINT_FILE_MISSING/)
})
