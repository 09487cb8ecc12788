// `qvl bench serve` as a process, against `qvl serve` and against servers that behave badly.

import { mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answer, type Behaviour, habits, scriptedServer } from '../bench/scripted-server.js'
import { type Checkpoint, checkpointPath, startServer } from '../support/server.js'
import { embedder, ended, qvl, startQvl } from './run-qvl.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-bench-serve-'))
  await mkdir(path.join(folder, 'Qwen'))
})
afterAll(() => rm(folder, { recursive: true }))

const bench = (args: readonly string[], env?: Record<string, string>) =>
  qvl(['bench', 'serve', ...args], '', { cwd: folder, env })

/** A few short prompts of the tokenizer of a test checkpoint. */
const small = ['--model', embedder, '--num-prompts', '12', '--random-input', '8']

const value = (stdout: string, label: string): string | undefined =>
  new RegExp(`^${label.replace(/[()]/g, '\\$&')} +(\\S+) *$`, 'm').exec(stdout)?.[1]

/** The tutorials of vLLM-Ascend for 8B models, with the model that stands for each here. */
const tutorials: readonly [checkpoint: Checkpoint, model: string, command: string][] = [
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
]

describe('against qvl serve', () => {
  it.each(tutorials)('the command of the tutorial runs: %s', async (checkpoint, model, command) => {
    await symlink(checkpointPath(checkpoint), path.join(folder, model))
    await using server = await startServer(checkpoint, { args: ['--served-model-name', model] })
    const args = [...command.split(' '), '--port', String(server.port), '--num-prompts', '60']
    const { code, stdout, stderr } = await qvl(args, '', { cwd: folder })
    expect({ code, stderr: stderr.replaceAll(/^warning: Across all generated prompts.*\n/gm, '') }).toEqual({
      code: 0,
      stderr: '',
    })
    expect(stdout).toMatch(/^Namespace\(.*num_prompts=60, request_rate=inf, burstiness=1\.0.*\)\n/)
    expect(value(stdout, 'Successful requests:')).toBe('60')
    expect(value(stdout, 'Failed requests:')).toBe('0')
    const files = (await readdir(folder)).filter((name) => name.includes(path.basename(model)))
    expect(files).toEqual([expect.stringMatching(/^(openai-embeddings|vllm-rerank)-infqps-.*-8B-\d{8}-\d{6}\.json$/)])
    const result = JSON.parse(await readFile(path.join(folder, files[0]!), 'utf8'))
    expect(result).toMatchObject({ model_id: model, num_prompts: 60, completed: 60, failed: 0, request_rate: 'inf' })
    expect(result.total_input_tokens).toBe(Number(value(stdout, 'Total input tokens:')))
    expect(result.total_input_tokens).toBeGreaterThan(60 * 150)
  })

  it('asks the server for its model, and cuts prompts by its tokenizer', async () => {
    await using server = await startServer('qwen3-embedding')
    const { code, stdout } = await bench(['--base-url', server.url, '--num-prompts', '4', '--input-len', '20'])
    expect(code).toBe(0)
    expect(stdout).toContain('Model not specified, fetching first model from server...\n')
    expect(value(stdout, 'Successful requests:')).toBe('4')
    expect(stdout).not.toContain('WARNING')
  })
})

describe('the run', () => {
  it('says what vLLM says, in its order', async () => {
    await using server = await scriptedServer(answer())
    const flags = ['--num-warmups', '3', '--ready-check-timeout-sec', '5', '--max-concurrency', '2']
    const { code, stdout } = await bench([...small, '--base-url', server.baseUrl, ...flags])
    expect(code).toBe(0)
    const lines = stdout.split('\n').slice(1, 12)
    expect(lines).toEqual([
      'Starting initial single prompt test run...',
      'Waiting for endpoint to become up in 5 seconds',
      'Initial test run completed.',
      'WARNING: /tokenize unavailable, skipping alignment.',
      'Warming up with 3 requests...',
      'Warmup run completed.',
      'Starting main benchmark run...',
      'Traffic request rate: inf',
      'Burstiness factor: 1.0 (Poisson process)',
      'Maximum request concurrency: 2',
      '============ Serving Benchmark Result ============',
    ])
    expect(server.received.filter(({ path: to }) => to === '/v1/embeddings')).toHaveLength(1 + 3 + 12)
  })

  it('sends what the flags ask for, and prints no secrets', async () => {
    await using server = await scriptedServer(answer())
    const flags = ['--header', 'X-Site=here', 'X-API-Key=hidden', '--extra-body', '{"dimensions": 4}']
    const names = ['--served-model-name', 'other', '--request-id-prefix', 'mine-', '--num-prompts', '1']
    const env = { OPENAI_API_KEY: 'also hidden' }
    const { code, stdout } = await bench([...small, '--base-url', server.baseUrl, ...flags, ...names], env)
    expect(code).toBe(0)
    const request = server.received.find(({ path: to }) => to === '/v1/embeddings')
    expect(request?.headers).toMatchObject({
      'x-site': 'here',
      'x-api-key': 'hidden',
      authorization: 'Bearer also hidden',
      'x-request-id': 'mine-0',
    })
    expect(JSON.parse(request?.body ?? '')).toMatchObject({ model: 'other', dimensions: 4, truncate_prompt_tokens: -1 })
    expect(stdout).toContain("header=['X-Site=here', 'X-API-Key=***']")
    expect(stdout).not.toContain('hidden')
  })

  it('draws the same prompts from the same seed', async () => {
    await using server = await scriptedServer(answer())
    const args = [...small, '--base-url', server.baseUrl, '--max-concurrency', '1']
    for (const seed of ['7', '7', '8']) expect(await bench([...args, '--seed', seed])).toMatchObject({ code: 0 })
    const bodies = server.received.filter(({ path: to }) => to === '/v1/embeddings').map(({ body }) => body)
    expect(bodies.slice(12, 24)).toEqual(bodies.slice(0, 12))
    expect(bodies.slice(24)).not.toEqual(bodies.slice(0, 12))
  })

  it('writes results one after the other, and a page', async () => {
    await using server = await scriptedServer(answer())
    const files = ['--append-result', '--save-detailed', '--result-dir', 'deep/down', '--result-filename', 'all.json']
    const args = [...small, '--base-url', server.baseUrl, ...files, '--plot', 'page.html', '--metadata', 'a=1', 'b=x=y']
    for (let time = 0; time < 2; time++) expect((await bench(args)).code).toBe(0)
    const lines = (await readFile(path.join(folder, 'deep', 'down', 'all.json'), 'utf8')).split('\n')
    expect(lines).toHaveLength(2)
    for (const line of lines) {
      const result = JSON.parse(line)
      expect(result).toMatchObject({ a: '1', b: 'x=y', completed: 12 })
      for (const key of ['input_lens', 'errors', 'e2els', 'start_times']) expect(result[key]).toHaveLength(12)
    }
    expect(await readFile(path.join(folder, 'page.html'), 'utf8')).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/)
  })
})

describe('a bad server', () => {
  const refusing = habits['HTTP 429 Too Many Requests']
  const halfRefusing: Behaviour = (response, request, index) =>
    (index % 2 === 0 ? refusing : answer())(response, request, index)

  it.each<[string, string[], number]>([
    ['fails the command', [], 4],
    ['is allowed to', ['--allow-failures'], 0],
  ])('that refuses half of the requests %s', async (_, flags, expected) => {
    await using server = await scriptedServer(halfRefusing)
    const { code, stdout } = await bench([...small, '--base-url', server.baseUrl, ...flags])
    expect(code).toBe(expected)
    expect(value(stdout, 'Successful requests:')).toBe('6')
    expect(value(stdout, 'Failed requests:')).toBe('6')
    expect(stdout).toMatch(/^Failed, HTTP 429 Too Many Requests: +6\n {2}first: Retry-After: 2; busy$/m)
  })

  it('that refuses all of them fails with a hint', async () => {
    await using server = await scriptedServer(refusing)
    const { code, stdout, stderr } = await bench([...small, '--base-url', server.baseUrl])
    expect(code).toBe(1)
    expect(value(stdout, 'Mean E2EL (ms):')).toBe('0.00')
    expect(stderr).toContain(
      'All requests failed. This is likely due to a misconfiguration on the benchmark arguments.',
    )
  })

  it('that stalls is given up on', async () => {
    await using server = await scriptedServer(habits.timeout)
    const { code, stdout } = await bench([...small, '--base-url', server.baseUrl, '--request-timeout', '0.3'])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^Failed, timeout: +12$/m)
  })

  it.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ])('that stalls can be left by %s, with a report of what was done', async (signal, expected) => {
    let child: ReturnType<typeof startQvl> | undefined
    await using server = await scriptedServer((response, request, index) => {
      if (index < 5) answer()(response, request, index)
      if (index === 8) child?.kill(signal)
    })
    const args = ['bench', 'serve', ...small, '--base-url', server.baseUrl, '--max-concurrency', '4']
    child = startQvl(args, { cwd: folder })
    const { code, stdout, stderr } = await ended(child)
    expect({ code, stderr }).toEqual({
      code: expected,
      stderr: expect.stringContaining('stopping; the report is of what was done'),
    })
    expect(value(stdout, 'Successful requests:')).toBe('5')
    expect(value(stdout, 'Failed requests:')).toBe('0')
    expect(stdout).toMatch(/^Stopped before an answer: +4\nNot sent: +3$/m)
  })

  it('that never becomes ready ends the command', async () => {
    await using server = await scriptedServer(refusing)
    const flags = ['--base-url', server.baseUrl, '--ready-check-timeout-sec', '1']
    const { code, stderr } = await bench([...small, ...flags])
    expect(code).toBe(5)
    expect(stderr).toMatch(/error\[NOT_READY\] Initial test run failed - .*Error: HTTP 429/)
  })
})

describe('flags', () => {
  it.each<[string, string[], RegExp]>([
    ['a backend that writes text', ['--backend', 'openai-chat'], /--backend openai-chat is not something qvl measures/],
    ['an address of another kind', ['--endpoint', '/v1/rerank'], /ends in embeddings/],
    ['an address that is none', ['--base-url', 'localhost:8000'], /http:\/\/HOST:PORT/],
    ['two rates', ['--ramp-up-strategy', 'linear', '--request-rate', '2'], /the rate follows/],
    ['half a ramp', ['--ramp-up-strategy', 'linear', '--ramp-up-start-rps', '2'], /--ramp-up-end-rps/],
    [
      'a ramp from nothing',
      ['--ramp-up-strategy', 'linear', '--ramp-up-start', '0', '--ramp-up-end', '2'],
      /never sent/,
    ],
    ['a ramp that falls', ['--ramp-up-strategy', 'linear', '--ramp-up-start', '3', '--ramp-up-end', '2'], /more than/],
    ['no percentile', ['--metric-percentiles', '50,,99'], /from 0 to 100/],
    ['no metric', ['--percentile-metrics', 'e2e'], /ttft, tpot, itl, e2el/],
    ['a goodput of texts', ['--goodput', 'tpot:50'], /e2el, ttft/],
    ['metadata without a value', ['--metadata', 'a'], /KEY=VALUE/],
    ['a ratio beyond one', ['--random-range-ratio', '1.5'], /from 0 to 0\.999/],
    ['a path for random prompts', ['--dataset-path', 'x'], /--dataset-path/],
    ['an operand', ['file.jsonl'], /file\.jsonl has no meaning here/],
    ['no request', ['--num-prompts', '0'], /--num-prompts/],
  ])('%s: refused', async (_, args, message) => {
    const { code, stdout, stderr } = await bench([...small, ...args])
    expect({ code, stdout: stdout.replace(/^(Namespace|Skipping|Starting initial).*\n/gm, '') }).toEqual({
      code: 2,
      stdout: '',
    })
    expect(stderr).toMatch(message)
  })

  it('that name no tokenizer say how to go on', async () => {
    const { code, stderr } = await bench(['--model', 'Qwen/none', '--num-prompts', '1'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/The tokenizer of Qwen\/none cannot be opened.*\n.*\n.*--tokenizer/)
  })
})
