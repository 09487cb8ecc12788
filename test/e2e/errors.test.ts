// Wrong input of every kind: three lines that name the thing, the right exit code, and nothing half-written.

import { cp, mkdir, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { embedder, jsonLines, parseLines, qvl, reranker } from './run-qvl.js'

const good = { query: 'cat', documents: ['dog', 'A cat sleeps.'] }

let folder = ''
/** The folder's name says what the checkpoint is, where its content does not. */
const copyName = (name: string): string => path.join(folder, `${name}-reranker`)
const inFolder = (name: string): string => path.join(folder, name)

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'qvl-errors-'))
  await writeFile(inFolder('q.jsonl'), jsonLines([good]))
  await mkdir(inFolder('empty'))
  await brokenCopy('truncated', async (copy) => truncate(path.join(copy, 'model.safetensors'), 50_000))
  await brokenCopy('nan', (copy) => writeNan(path.join(copy, 'model.safetensors')))
  await brokenCopy('llama', (copy) => changeConfig(copy, { architectures: ['LlamaForCausalLM'], model_type: 'llama' }))
  await brokenCopy('heads', (copy) => changeConfig(copy, { num_attention_heads: -4 }))
  await brokenCopy('not-json', (copy) => writeFile(path.join(copy, 'config.json'), '{"architectures": ['))
  await brokenCopy('no-tokenizer', (copy) => rm(path.join(copy, 'tokenizer.json')))
})

afterAll(() => rm(folder, { recursive: true }))

interface Expected {
  code: number
  error: string
  /** What stderr must name. */
  names: RegExp
}

interface Case {
  args: string[]
  expected: Expected
  /** Without -o. */
  toPipe?: true
}

const usage = (names: RegExp): Expected => ({ code: 2, error: 'USAGE', names })
const onModel = (model: string): string[] => ['score', inFolder('q.jsonl'), '-m', model]
const score = (...more: string[]): string[] => ['score', inFolder('q.jsonl'), '-m', reranker, ...more]

describe('qvl refuses', () => {
  it.each<[string, () => Case]>([
    [
      'help about nothing',
      () => ({ toPipe: true, args: ['help', 'scroe'], expected: usage(/scroe.*\n.*\n.*qvl score/) }),
    ],
    ['a version that is no flag', () => ({ toPipe: true, args: ['version'], expected: usage(/qvl --version\?/) })],
    ['a misspelled flag alone', () => ({ toPipe: true, args: ['--verson'], expected: usage(/qvl --version\?/) })],
    ['an unknown command', () => ({ args: ['scroe'], expected: usage(/scroe.*\n.*\n.*qvl score/) })],
    [
      'half a command',
      () => ({ args: ['bench'], toPipe: true, expected: usage(/half.*\n.*\n.*throughput or qvl bench serve/) }),
    ],
    [
      'a wrong half of one',
      () => ({ args: ['bench', 'srve'], toPipe: true, expected: usage(/no command bench srve/) }),
    ],
    ['flags before the command', () => ({ args: ['-q', 'score'], expected: usage(/qvl score/) })],
    ['an unknown flag', () => ({ args: score('--modle', 'X'), expected: usage(/--modle.*\n.*\n.*--model\?/) })],
    [
      'an ambiguous flag',
      () => ({ args: score('--max'), expected: usage(/--max-model-len, --max-num-batched-tokens/) }),
    ],
    ['a flag of the other command', () => ({ args: score('--dimensions', '8'), expected: usage(/qvl embed/) })],
    ['an unfit value', () => ({ args: score('--threads', 'x'), expected: usage(/--threads.*"x"/) })],
    ['two input files', () => ({ args: score('b.jsonl'), expected: usage(/2 input files/) })],
    ['a file and texts', () => ({ args: score('--query', 'a', '--document', 'b'), expected: usage(/input file/) })],
    ['an empty input name', () => ({ args: ['score', '', '-m', reranker], expected: usage(/input file is empty/) })],
    ['an empty output name', () => ({ args: score('-o', ''), toPipe: true, expected: usage(/--output.*""/) })],
    ['--query alone', () => ({ args: ['score', '--query', 'a'], expected: usage(/--document/) })],
    ['--resume on a pipe', () => ({ toPipe: true, args: score('--resume'), expected: usage(/--resume needs -o/) })],
    ['npy on a pipe', () => ({ toPipe: true, args: ['embed', '--format', 'npy'], expected: usage(/-o FILE/) })],
    ['--explain with -o', () => ({ toPipe: true, args: score('--explain', '-o', 'x'), expected: usage(/--explain/) })],
    ['a dtype of no device', () => ({ args: score('--dtype', 'half'), expected: usage(/half.*\n.*float32/) })],
    [
      'a dtype that the device lacks',
      () => ({
        args: score('--device', 'ort', '--dtype', 'bfloat16'),
        expected: { code: 1, error: 'DEVICE_UNAVAILABLE', names: /bfloat16.*ort.*\n.*float32.*\n.*--device cpu/ },
      }),
    ],
    [
      'a quantization that the device lacks',
      () => ({
        args: score('--device', 'reference', '--quantization', 'int8'),
        expected: { code: 1, error: 'DEVICE_UNAVAILABLE', names: /int8.*reference.*\n.*float64/ },
      }),
    ],
    ['another runner', () => ({ args: score('--runner', 'generate'), expected: usage(/generate/) })],
    [
      'a lost template',
      () => ({ args: score('--chat-template', 'no.jinja'), expected: usage(/looks like a file path/) }),
    ],
    ['a lost config file', () => ({ args: score('--config', 'no.yaml'), expected: usage(/no\.yaml/) })],
    [
      'a limit beyond the model',
      () => ({ args: score('--max-model-len', '100M'), expected: usage(/--max-model-len/) }),
    ],
    [
      'a missing input file',
      () => ({
        args: ['score', inFolder('none.jsonl')],
        expected: { code: 2, error: 'INPUT_UNREADABLE', names: /none\.jsonl/ },
      }),
    ],
    [
      'a text where a file is meant',
      () => ({
        args: ['embed', 'hello world', '-m', embedder],
        expected: { code: 2, error: 'INPUT_UNREADABLE', names: /hello world.*\n.*\n.*--text\./ },
      }),
    ],
    [
      'a folder as input',
      () => ({ args: ['score', folder], expected: { code: 2, error: 'INPUT_UNREADABLE', names: /folder/ } }),
    ],
    [
      'a model id that climbs out',
      () => ({
        args: onModel('../../..'),
        expected: { code: 3, error: 'CHECKPOINT_FILE_MISSING', names: /config\.json/ },
      }),
    ],
    [
      'a model id that climbs out of the cache',
      () => ({
        args: onModel('../../nowhere-at-all'),
        expected: { code: 2, error: 'MODEL_REF_INVALID', names: /\.\./ },
      }),
    ],
    [
      'a folder that is no checkpoint',
      () => ({
        args: onModel(inFolder('empty')),
        expected: { code: 3, error: 'CHECKPOINT_FILE_MISSING', names: /config\.json/ },
      }),
    ],
    [
      'an unsupported architecture',
      () => ({ args: onModel(copyName('llama')), expected: { code: 3, error: 'MODEL_UNSUPPORTED', names: /llama/ } }),
    ],
    [
      'a config out of range',
      () => ({
        args: onModel(copyName('heads')),
        expected: { code: 3, error: 'CONFIG_INVALID', names: /num_attention_heads/ },
      }),
    ],
    [
      'a config that is not JSON',
      () => ({
        args: onModel(copyName('not-json')),
        expected: { code: 3, error: 'CONFIG_INVALID', names: /config\.json/ },
      }),
    ],
    [
      'a truncated shard',
      () => ({
        args: onModel(copyName('truncated')),
        expected: { code: 3, error: 'TENSOR_INVALID', names: /model\.safetensors/ },
      }),
    ],
    [
      'a checkpoint without its tokenizer',
      () => ({
        args: onModel(copyName('no-tokenizer')),
        expected: { code: 3, error: 'CHECKPOINT_FILE_MISSING', names: /tokenizer\.json/ },
      }),
    ],
    [
      'weights that are not numbers',
      () => ({
        args: onModel(copyName('nan')),
        expected: { code: 3, error: 'RESULT_NOT_FINITE', names: /embed_tokens/ },
      }),
    ],
    [
      'a failed line, with --strict',
      () => ({
        args: ['embed', inFolder('q.jsonl'), '-m', embedder, '--strict'],
        expected: { code: 2, error: 'REQUEST_SCHEMA', names: /Line 1/ },
      }),
    ],
    [
      'an output folder that does not exist',
      () => ({
        args: score('-o', inFolder('none/out.jsonl')),
        toPipe: true,
        expected: { code: 1, error: 'OUTPUT_UNWRITABLE', names: /none\/out\.jsonl/ },
      }),
    ],
  ])('%s', async (_, make) => {
    const { args, expected, toPipe } = make()
    const before = await finished()
    const { code, stdout, stderr } = await qvl(toPipe ? args : [...args, '-o', inFolder('out.jsonl')])
    expect({ code, stdout, stderr }).toMatchObject({ code: expected.code, stdout: '' })
    expect(stderr).toMatch(new RegExp(`^error\\[${expected.error}\\] .+\n(  .+\n){1,2}$`))
    expect(stderr).toMatch(expected.names)
    expect(stderr).not.toContain('\n    at ')
    expect(await finished()).toEqual(before)
  })

  it('with a stack only when asked', async () => {
    const { stderr } = await qvl(['score', inFolder('none.jsonl'), '--debug'])
    expect(stderr).toContain('error[INPUT_UNREADABLE]')
    expect(stderr).toContain('\n    at ')
    expect(stderr).toContain('ENOENT')
  })
})

describe('lines that fail', () => {
  it('become error lines in their place, and the exit code says so', async () => {
    const tooLong = { id: 'long', query: 'cat', documents: ['word '.repeat(400)] }
    const input = `${jsonLines([good])}not json\n\n${jsonLines([tooLong, { query: 'cat' }, good])}`
    const { code, stdout, stderr } = await qvl(['score', '-m', reranker, '--max-model-len', '256'], input)
    expect(code).toBe(4)
    const lines = parseLines<{ id?: string; index?: number; results?: unknown[]; error?: { code: string } }>(stdout)
    expect(lines.map(({ id, index, error }) => [id ?? index, error?.code])).toEqual([
      [0, undefined],
      [1, 'REQUEST_SCHEMA'],
      ['long', 'INPUT_TOO_LONG'],
      [3, 'REQUEST_SCHEMA'],
      [4, undefined],
    ])
    expect(lines[4]!.results).toEqual(lines[0]!.results)
    expect(stderr).toContain('line 2: error[REQUEST_SCHEMA]')
    expect(stderr).toContain('3 of 5 lines failed')
  })

  it('do not stop a run that truncates instead', async () => {
    const tooLong = { query: 'cat', documents: ['word '.repeat(400)] }
    const args = ['score', '-m', reranker, '--max-model-len', '256', '--truncate-prompt-tokens=-1']
    const { code, stdout } = await qvl(args, jsonLines([tooLong]))
    expect(code).toBe(0)
    expect(parseLines<{ usage: { prompt_tokens: number } }>(stdout)[0]!.usage.prompt_tokens).toBe(256)
  })
})

/** The files under their own names; FILE.part is what --resume goes on with. */
async function finished(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => !name.startsWith('out.jsonl.part'))
}

async function brokenCopy(name: string, damage: (copy: string) => Promise<void>): Promise<void> {
  await cp(reranker, copyName(name), { recursive: true })
  await damage(copyName(name))
}

async function changeConfig(copy: string, changes: object): Promise<void> {
  const file = path.join(copy, 'config.json')
  const config: object = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ...config, ...changes }))
}

/** NaN in bfloat16 over a row of the embedding table that every prompt has: that of the token `system`. */
async function writeNan(file: string): Promise<void> {
  const handle = await open(file, 'r+')
  const length = Number((await handle.read(Buffer.alloc(8), 0, 8, 0)).buffer.readBigUInt64LE())
  const header: unknown = JSON.parse((await handle.read(Buffer.alloc(length), 0, length, 8)).buffer.toString())
  const table = Object.entries(header as Record<string, { data_offsets: [number, number]; shape: number[] }>)
  const [, entry] = table.find(([name]) => name.endsWith('embed_tokens.weight'))!
  const rowBytes = 2 * entry.shape[1]!
  const row = Buffer.alloc(rowBytes, Buffer.from([0xc0, 0x7f]))
  await handle.write(row, 0, rowBytes, 8 + length + entry.data_offsets[0] + systemToken * rowBytes)
  await handle.close()
}

const systemToken = 1762
