// Compares `qvl serve` under load with the engine alone (`qvl bench throughput`) on one checkpoint: both in turn, in one
// run, medians and their ratio. It shows what HTTP, JSON, tokenising and the queue cost.
//
// node scripts/compare-server.js [--scratch DIR] [--shape DIR] [--inputs 64x200] [--rounds 3]
//
// The checkpoint has the shape's size and random weights; it is written to the scratch folder once.

import { spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseConfig } from '../dist/checkpoint/config.js'
import { median } from '../dist/engine/throughput/figures.js'
import { normalNumbers } from '../dist/engine/throughput/random.js'
import { qwen3WeightShapes } from '../dist/models/qwen3.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const qvl = join(root, 'bin/qvl.js')
const golden = join(root, 'test/golden/checkpoints/qwen3-embedding')

const { values: options } = parseArgs({
  options: {
    scratch: { type: 'string', default: join(tmpdir(), 'qvl-compare-server') },
    shape: { type: 'string', default: join(root, 'examples/shapes/qwen3-0.6b') },
    inputs: { type: 'string', default: '64x200' },
    rounds: { type: 'string', default: '3' },
  },
})
const [numInputs = '', numTokens = ''] = options.inputs.split('x')
const model = join(options.scratch, 'checkpoint')
makeCheckpoint()

const { server, url } = await startServer()
try {
  const rates = { server: /** @type {number[]} */ ([]), engine: /** @type {number[]} */ ([]) }
  for (let round = 1; round <= Number(options.rounds); round++) {
    rates.server.push(serverRate(url))
    rates.engine.push(engineRate())
    console.log(
      `round ${round}: server ${rates.server.at(-1)?.toFixed(1)} tok/s, engine ${rates.engine.at(-1)?.toFixed(1)} tok/s`,
    )
  }
  const [served, alone] = [median(rates.server), median(rates.engine)]
  console.log(
    `median: server ${served.toFixed(1)} tok/s, engine ${alone.toFixed(1)} tok/s, ratio ${(served / alone).toFixed(3)}`,
  )
} finally {
  server.kill('SIGINT')
}

/** The shape's configuration, the tiny tokenizer, and weights as large as the real ones. */
function makeCheckpoint() {
  if (existsSync(join(model, 'model.safetensors'))) return
  mkdirSync(join(model, '1_Pooling'), { recursive: true })
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'modules.json', 'config_sentence_transformers.json']) {
    copyFileSync(join(golden, file), join(model, file))
  }
  const config = readFileSync(join(options.shape, 'config.json'), 'utf8')
  writeFileSync(join(model, 'config.json'), config)
  const { text } = parseConfig(JSON.parse(config))
  const pooling = JSON.parse(readFileSync(join(golden, '1_Pooling/config.json'), 'utf8'))
  writeFileSync(
    join(model, '1_Pooling/config.json'),
    JSON.stringify({ ...pooling, word_embedding_dimension: text.hidden }),
  )
  writeWeights(join(model, 'model.safetensors'), qwen3WeightShapes(text))
}

/** @param {string} file @param {ReadonlyMap<string, readonly number[]>} shapes */
function writeWeights(file, shapes) {
  /** @type {Record<string, unknown>} */
  const header = {}
  let offset = 0
  for (const [name, shape] of shapes) {
    const bytes = shape.reduce((size, axis) => size * axis, 2)
    header[name] = { dtype: 'BF16', shape, data_offsets: [offset, offset + bytes] }
    offset += bytes
  }
  const json = JSON.stringify(header)
  const text = json.padEnd(Math.ceil(json.length / 8) * 8)
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(text.length))
  const next = normalNumbers(1)
  const random = Buffer.from(Uint16Array.from({ length: 1_000_003 }, () => bfloat16(0.02 * next())).buffer)
  const part = `${file}.part`
  const out = openSync(part, 'w')
  writeSync(out, length)
  writeSync(out, text)
  for (const [name, shape] of shapes) {
    let left = shape.reduce((size, axis) => size * axis, 2)
    // Norms of ones keep the numbers in a range that trained weights keep them in.
    const numbers = name.endsWith('norm.weight') ? Buffer.from(new Uint16Array(left / 2).fill(0x3f80).buffer) : random
    for (; left > 0; left -= numbers.length) writeSync(out, numbers, 0, Math.min(left, numbers.length))
  }
  closeSync(out)
  renameSync(part, file)
}

/** @param {number} value */
function bfloat16(value) {
  const [bits = 0] = new Uint32Array(Float32Array.of(value).buffer)
  return bits >>> 16
}

async function startServer() {
  const args = [
    qvl,
    'serve',
    model,
    '--port',
    '0',
    '--disable-log-requests',
    '--convert',
    'embed',
    '--no-enable-prefix-caching',
  ]
  const server = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  /** @type {Promise<string>} */
  const ready = new Promise((resolve, reject) => {
    for (const stream of [server.stdout, server.stderr]) {
      stream.on('data', (chunk) => {
        said += chunk
        const address = /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0]
        if (address !== undefined && said.includes('Application startup complete.')) resolve(address)
      })
    }
    server.on('exit', () => reject(new Error(`The server ended:\n${said}`)))
  })
  return { server, url: await ready }
}

/** Tokens a second that the load generator sees. @param {string} url */
function serverRate(url) {
  const file = join(options.scratch, 'server.json')
  qvlRun([
    ...['bench', 'serve', '--backend', 'openai-embeddings', '--base-url', url, '--tokenizer', model],
    ...['--dataset-name', 'random', '--random-input-len', numTokens, '--num-prompts', numInputs],
    ...['--num-warmups', '2', '--save-result', '--result-filename', file, '--disable-tqdm'],
  ])
  return JSON.parse(readFileSync(file, 'utf8')).total_token_throughput
}

function engineRate() {
  const file = join(options.scratch, 'engine.json')
  qvlRun([
    ...['bench', 'throughput', '--model', model, '--random-input-len', numTokens, '--num-prompts', numInputs],
    ...['--num-runs', '1', '--output-json', file],
  ])
  return JSON.parse(readFileSync(file, 'utf8')).tokens_per_second
}

/** @param {string[]} args */
function qvlRun(args) {
  const { status, stderr } = spawnSync(process.execPath, [qvl, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`qvl ${args.join(' ')} ended with ${status}:\n${stderr}`)
}
