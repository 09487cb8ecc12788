// qvl serve --device npu on the software AscendCL: errors of every class under load, a device that is lost, several
// devices, and a server that ends in order.

import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { openEngine } from '#qvl/engine/engine.js'
import { describeSoftware, SoftwareAscend } from '../npu/software.js'
import { checkpointPath, type ServerProcess, spawnServe, startServer, until } from '../support/server.js'
import { qvl } from './run-qvl.js'

const checkpoint = checkpointPath('qwen3-reranker')

/** float32 on both sides. */
const maxDifference = 1e-4

const documents = ['It is Beijing.', 'Apples fall.', 'A city of twenty million people in the north.', 'Yes.']

interface Answer {
  status: number
  retryAfter: string | null
  score: number | undefined
  message: string | undefined
}

async function score(server: ServerProcess, query: string, document = documents[0]!): Promise<Answer> {
  const response = await server.post('/v1/score', { text_1: query, text_2: document })
  const body = (await response.json()) as { data?: { score: number }[]; error?: { message: string } }
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    score: body.data?.[0]?.score,
    message: body.error?.message,
  }
}

describeSoftware('qvl serve --device npu', () => {
  const base = { devices: 4 }
  let software: SoftwareAscend
  let env: Record<string, string>
  const expected = new Map<string, number>()
  const queries = Array.from({ length: 24 }, (_, index) => `What is the number ${index} of this list?`)

  beforeAll(async () => {
    software = new SoftwareAscend(base)
    env = { ...software.environment, QVL_CACHE: path.join(software.folder, 'cache') }
    await using engine = await openEngine({ model: checkpoint, device: 'ort', dtype: 'float32' })
    for (const query of queries) {
      const { scores } = await engine.score({ query, documents })
      for (const [index, each] of scores.entries()) expected.set(`${query} ${documents[index]}`, each)
    }
    // Compiled once, and found by the servers below. Fewer gears than the default ones are compiled sooner.
    const gears = ['--soc-version', 'Ascend910B4', '--npu-gears', '8x64,4x128,1x512']
    const { code, stderr } = await qvl(['compile', checkpoint, ...gears], '', { env })
    expect(code, stderr).toBe(0)
  }, 60_000)
  afterEach(() => {
    software.set(base)
    expect(software.report()).toEqual([])
  })
  afterAll(() => software?.remove())

  const start = (...args: string[]): Promise<ServerProcess> =>
    startServer('qwen3-reranker', { args: ['--device', 'npu', ...args], env })

  async function expectRight(server: ServerProcess, query: string, document = documents[0]!): Promise<void> {
    const answer = await score(server, query, document)
    expect(answer).toMatchObject({ status: 200 })
    expect(Math.abs(answer.score! - expected.get(`${query} ${document}`)!)).toBeLessThan(maxDifference)
  }

  const isReady = async (server: ServerProcess): Promise<boolean> =>
    (await fetch(`${server.url}/health/ready`)).status === 200

  it('warns of a list of devices that is cut short; errors fail the request that they belong to, and no other', async () => {
    await using server = await startServer('qwen3-reranker', {
      args: ['--device', 'npu'],
      env: { ...env, ASCEND_RT_VISIBLE_DEVICES: '0, 1' },
    })
    expect(server.output).toContain('AscendCL reads it up to " 1", and uses 0.')
    const faults: [call: string, code: number, status: number, message: RegExp][] = [
      ['aclrtMemcpyAsync', 207001, 500, /Memory ran out/],
      ['aclmdlSetInputDynamicDims', 145013, 500, /failed on it/],
      ['aclmdlExecuteAsync', 100000, 500, /failed on it/],
      ['aclmdlExecuteAsync', 500000, 500, /failed on it/],
      ['aclmdlExecuteAsync', 507011, 503, /again in a moment/],
      ['aclrtSynchronizeStreamWithTimeout', 107020, 503, /again in a moment/],
      ['aclrtSynchronizeStreamWithTimeout', 507014, 503, /again in a moment/],
      ['aclrtSynchronizeStreamWithTimeout', 507010, 503, /again in a moment/],
    ]
    for (const [call, code, status, message] of faults) {
      software.set({ ...base, fail: [{ call, code }] })
      const answer = await score(server, queries[0]!)
      expect(answer, `${call} ${code}`).toMatchObject({ status, message: expect.stringMatching(message) })
      if (status === 503) expect(answer.retryAfter).toMatch(/^\d+$/)
      software.set(base)
      await until(() => isReady(server), 20_000)
      await expectRight(server, queries[1]!)
    }
    expect(server.output).not.toContain('code=INTERNAL')
  }, 60_000)

  it('a device that is lost under load: 503 for what is in flight, then everything is right again', async () => {
    software.set({ ...base, delayMs: 100 })
    await using server = await start('--max-num-seqs', '2')
    software.set({ ...base, delayMs: 100, lose: { device: 0, execution: 6, failingSets: 1 } })
    const answers = await Promise.all(queries.map((query) => score(server, query)))
    const statuses = new Set(answers.map(({ status }) => status))
    expect([...statuses].sort()).toEqual([200, 503])
    for (const [index, answer] of answers.entries()) {
      if (answer.status === 200) {
        const right = expected.get(`${queries[index]} ${documents[0]}`)!
        expect(Math.abs(answer.score! - right)).toBeLessThan(maxDifference)
      } else expect(answer.retryAfter).toMatch(/^\d+$/)
    }
    software.set(base)
    await server.logged(/NPU 0 is back after/)
    await until(() => isReady(server), 30_000)
    await Promise.all(queries.map((query) => expectRight(server, query)))
    expect(server.output).toMatch(/NPU 0 was lost/)
  }, 60_000)

  it('four devices serve one queue, also while one of them is lost', async () => {
    await using server = await start('--data-parallel-size', '4', '--max-num-seqs', '3')
    software.set({ ...base, delayMs: 20, lose: { device: 2, execution: 2 } })
    const pairs = queries.flatMap((query) => documents.map((document) => [query, document] as const))
    await Promise.all(pairs.map(([query, document]) => expectRight(server, query, document)))
    await server.logged(/NPU 2 is back after/)
    await Promise.all(pairs.map(([query, document]) => expectRight(server, query, document)))
    expect(server.output).not.toMatch(/NPU [013] was lost/)
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    const count = (name: string): number => Number(new RegExp(`^${name}\\{.*\\} (\\d+)$`, 'm').exec(metrics)?.[1])
    expect(count('qvl_device_padding_rows_total')).toBeGreaterThan(0)
    expect(count('qvl_device_padding_rows_total')).toBeLessThan(count('qvl_device_rows_total'))
  }, 60_000)

  it('SIGTERM lets what is in flight end, and gives the device back', async () => {
    software.set({ ...base, delayMs: 300 })
    const server = await start('--max-num-seqs', '2')
    const answers = queries.slice(0, 8).map((query) => expectRight(server, query))
    await sleep(100)
    server.kill('SIGTERM')
    await Promise.all(answers)
    expect(await server.ended).toBe(0)
  }, 30_000)

  const refusals: [name: string, knobs: Parameters<SoftwareAscend['set']>[0], args: string[], words: RegExp][] = [
    ['too few devices', { devices: 2 }, ['--data-parallel-size', '3'], /3 NPUs were asked for, and there are 2\./],
    ['no device', { fail: [{ call: 'aclrtGetDeviceCount', nth: 0, code: 207004 }] }, [], /DEVICE_UNAVAILABLE/],
    ['no permission', { fail: [{ call: 'aclrtSetDevice', nth: 0, code: 207006 }] }, [], /DEVICE_UNAVAILABLE/],
    ['a model for another chip', { fail: [{ call: 'aclmdlLoadFromFile', nth: 0, code: 507008 }] }, [], /qvl compile/],
    ['int8', {}, ['--quantization', 'int8'], /--quantization int8 is not available on Ascend910B4\./],
    ['bfloat16 on a 300I Duo', { soc: 'Ascend310P3' }, ['--dtype', 'bfloat16'], /not available on Ascend310P3\./],
  ]
  it.each(refusals)('does not start with %s, and says what to do', async (_name, knobs, args, words) => {
    software.set(knobs)
    const server = spawnServe([checkpoint, '--port', '0', '--device', 'npu', ...args], { env })
    expect(await server.ended).toBe(1)
    expect(server.output).toMatch(words)
  })

  it('names the command that compiles, where nothing fits and there is no atc', async () => {
    software.set({ soc: 'Ascend910B1' })
    const withoutAtc = { ...env, PATH: process.env.PATH ?? '', QVL_ATC: '/nonexistent/atc' }
    const server = spawnServe([checkpoint, '--port', '0', '--device', 'npu', '--dtype', 'float16'], { env: withoutAtc })
    expect(await server.ended).toBe(1)
    expect(server.output).toContain(`qvl compile ${checkpoint} --device npu --soc-version Ascend910B1`)
  })
})
