// The benchmark commands of the vLLM-Ascend tutorials as they stand: a thousand requests, none of which may fail.

import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { qvl } from '../e2e/run-qvl.js'
import { type Checkpoint, checkpointPath, startServer } from '../support/server.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-bench-serve-long-'))
  await mkdir(path.join(folder, 'Qwen'))
})
afterAll(() => rm(folder, { recursive: true }))

describe('the commands of the tutorials', () => {
  it.each<[Checkpoint, string, string]>([
    [
      'qwen3-vl-embedding',
      'Qwen/Qwen3-VL-Embedding-8B',
      'bench serve --model Qwen/Qwen3-VL-Embedding-8B --backend openai-embeddings --dataset-name random --endpoint /v1/embeddings --random-input 200 --save-result --result-dir ./',
    ],
    [
      'qwen3-vl-reranker',
      'Qwen/Qwen3-VL-Reranker-8B',
      'bench serve --model Qwen/Qwen3-VL-Reranker-8B --backend vllm-rerank --dataset-name random-rerank --endpoint /v1/rerank --random-input 200 --save-result --result-dir ./',
    ],
  ])('%s', async (checkpoint, model, command) => {
    // A small checkpoint of the same architecture stands for the model.
    await symlink(checkpointPath(checkpoint), path.join(folder, model))
    await using server = await startServer(checkpoint, { args: ['--served-model-name', model] })
    const args = [...command.split(' '), '--port', String(server.port)]
    const { code, stdout } = await qvl(args, '', { cwd: folder })
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^=+ Serving Benchmark Result =+\nSuccessful requests: {21}1000 {6}\nFailed requests: {25}0 {9}\n/m,
    )
    const [file] = (await readdir(folder)).filter((name) => name.includes(`-${path.basename(model)}-`))
    const result = JSON.parse(await readFile(path.join(folder, file!), 'utf8'))
    expect(result).toMatchObject({ num_prompts: 1000, completed: 1000, failed: 0 })
  })
})
