// `qvl bench throughput` as a process.

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { devices, embedder, qvl, vlEmbedder } from './run-qvl.js'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-bench-e2e-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** ONNX Runtime keeps files of its own in the folder for temporary files. */
const leftovers = async (): Promise<string[]> => (await readdir(folder)).filter((name) => name.startsWith('qvl-'))

const bench = (...args: string[]) => qvl(['bench', 'throughput', ...args], '', { env: { TMPDIR: folder } })
const small = ['--dummy-weights', '-m', embedder, '--num-runs', '2']

describe('qvl bench throughput', () => {
  it.each(devices)('reports on the device %s', async (device) => {
    const { code, stdout, stderr } = await bench(...small, '--device', device, '--num-prompts', '3')
    expect(code).toBe(0)
    expect(stderr).toMatch(/^run 1: [\d,]+ tok\/s\nrun 2: [\d,]+ tok\/s\n$/)
    expect(stdout).toMatch(/^model +.+qwen3-embedding, dummy weights$/m)
    expect(stdout).toMatch(new RegExp(`^device +${device}, `, 'm'))
    expect(stdout).toMatch(/^input +3 requests: a text of 200 tokens each$/m)
    expect(stdout).toMatch(/^tokens +600 asked for, 600 computed, 0 shared$/m)
    expect(stdout).toMatch(/^speed +[\d,.]+ tok\/s, [\d,.]+ requests\/s$/m)
    expect(stdout).toMatch(/^products +.*GFLOP\/s.* over the whole run/m)
    expect(stdout.includes('% of peak')).toBe(device === 'cpu')
    expect(await leftovers()).toEqual([])
  })

  it('reports on images', async () => {
    const images = ['--dataset-name', 'random-mm', '--random-mm-image-tokens', '12', '--random-input-len', '20']
    const { code, stdout } = await bench('--dummy-weights', '-m', vlEmbedder, ...images)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^input +2 requests: an image of 12 tokens and a text of 20 each$/m)
    expect(stdout).toMatch(/^tokens +64 asked for, 64 computed, 0 shared$/m)
    expect(/^tower +[\d.]+ s for an image, .*in linears, .*in attention/m.test(stdout)).toBe(hasAddon())
  })

  it('reports what an image as a query costs', async () => {
    const file = path.join(folder, 'images.json')
    const query = ['--dataset-name', 'random-rerank', '--random-mm-image-tokens', '12', '--random-batch-size', '3']
    const { code, stdout } = await bench('--dummy-weights', '-m', vlEmbedder, ...query, '--output-json', file)
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^input +1 requests: a query of an image of 12 tokens and 99 tokens and 3 documents of 100 each$/m,
    )
    expect(stdout).toMatch(/^cost +[\d.]+ times the documents with a query of text/m)
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      random_mm_image_tokens: 12,
      cost: { ratio: expect.any(Number) },
      runs: [{ tower: { linear_flops: expect.any(Number) } }, {}, {}],
    })
    await rm(file)
  })

  it('writes the report as JSON', async () => {
    const file = path.join(folder, 'report.json')
    const args = ['--dataset-name', 'random-rerank', '--num-prompts', '2', '--random-batch-size', '3', '--seed', '4']
    const { code, stderr } = await bench(...small, ...args, '-q', '--no-enable-prefix-caching', '--output-json', file)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      num_requests: 2,
      num_sequences: 6,
      random_query_len: 99,
      random_document_len: 100,
      total_num_tokens: 6 * 265,
      computed_tokens: 6 * 265,
      runs: [{}, {}],
    })
    await rm(file)
  })

  it.each<[string, string[], number, RegExp]>([
    ['no model', ['--dummy-weights'], 2, /error\[USAGE\] --dummy-weights needs --model/],
    ['an input file', [...small, 'in.jsonl'], 2, /error\[USAGE\] The argument in\.jsonl/],
    ['a flag of another command', [...small, '--resume'], 2, /--resume.*\n.*qvl score, qvl embed/],
    ['an unfit ratio', [...small, '--random-range-ratio', '1'], 2, /a number from 0 to 0\.999/],
    ['a folder that is not there', [...small, '--output-json', '/nonexistent/a/b'], 1, /error\[OUTPUT_UNWRITABLE\]/],
    ['inputs beyond the model', [...small, '--random-input-len', '40000'], 2, /40000 tokens/],
  ])('refuses %s', async (_, args, expected, message) => {
    const { code, stdout, stderr } = await bench(...args)
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' })
    expect(stderr).toMatch(message)
  })

  it.each([['bench'], ['bench', '--help'], ['bench', 'latency']])('qvl %s %s is no command', async (...args) => {
    const { code, stderr } = await qvl(args)
    expect(code).toBe(2)
    expect(stderr).toContain('Write qvl bench throughput or qvl bench serve.')
  })
})
