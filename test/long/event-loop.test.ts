// No request holds the event loop of a server for long, however large it or its answer is.

import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesOf, writeSafetensors } from '../checkpoint/folders.js'
import { type ContractServer, startContractServer } from '../contract/support/server.js'
import { goldenPath } from '../support/golden.js'
import { random, randomFloats } from '../support/random.js'

const maxHeldMs = 50

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-event-loop-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A client in a process of its own, so that making and reading megabytes is not measured. */
const client = `
import { readFile } from 'node:fs/promises'
const [url, file] = process.argv.slice(1)
const headers = { 'content-type': 'application/json' }
const response = await fetch(url, { method: 'POST', headers, body: await readFile(file) })
const bytes = await response.arrayBuffer()
console.log(JSON.stringify({ status: response.status, length: bytes.byteLength }))
`

interface Received {
  status: number
  /** Of the body, in bytes. */
  length: number
  /** The longest turn of the server's event loop. */
  heldMs: number
}

async function ask(url: string, body: unknown): Promise<Received> {
  const file = join(folder, 'body.json')
  await writeFile(file, JSON.stringify(body))
  const turns = watchTurns()
  const args = ['--input-type=module', '-e', client, url, file]
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 300_000 })
  return { ...JSON.parse(stdout), heldMs: turns.stop() }
}

/** Measures turns by a timer that wants to be called every millisecond. */
function watchTurns(): { stop(): number } {
  let longest = 0
  let last = threadMs()
  const timer = setInterval(() => {
    const now = threadMs()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  return {
    stop() {
      clearInterval(timer)
      return longest
    },
  }
}

/**
 * The processor time of this thread where the system tells it: it says how long the thread held the loop, and not how long
 * other programs held the processor. Elsewhere the clock.
 */
const schedule = `/proc/self/task/${process.pid}/schedstat`
const threadMs = existsSync(schedule)
  ? () => Number(readFileSync(schedule, 'utf8').split(' ')[0]) / 1e6
  : () => performance.now()

const words = 'red old small castle bicycle recipe camera ocean reset password account 東京 日本 café 12.50'.split(' ')
const next = random(7)

/** About so many characters of words. */
function text(length: number): string {
  let made = ''
  while (made.length < length) made += `${words[next() % words.length]} `
  return made
}

describe('a reranker', () => {
  let server: ContractServer
  beforeAll(async () => {
    server = await startContractServer('qwen3-reranker', { limits: { requestSeconds: 600, maxQueuedTokens: 1e9 } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it.each([
    ['2048 documents of 4 KB', 4_000, { max_tokens_per_doc: 16 }, 200],
    ['a body of 60 MB', 29_000, { max_tokens_per_doc: 16 }, 200],
    ['a body of 60 MB that is refused', 29_000, { max_tokens_per_doc: 'many' }, 400],
  ])('%s', async (_name, length, options, expected) => {
    const documents = Array.from({ length: 2048 }, () => text(length))
    const { heldMs, status } = await ask(`${server.url}/rerank`, { query: 'red castle', documents, ...options })
    expect(status).toBe(expected)
    expect(heldMs).toBeLessThan(maxHeldMs)
  })
})

describe('an embedding model of width 4096', () => {
  let server: ContractServer
  beforeAll(async () => {
    const dir = join(folder, 'wide')
    await makeWideCheckpoint(dir)
    server = await startContractServer(dir)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it.each([
    ['float', 4],
    ['base64', 5],
    ['bytes_only', 4],
  ])('1000 vectors as %s', async (encoding, minBytesPerNumber) => {
    const input = Array.from({ length: 1000 }, () => text(20))
    const body = { input, encoding_format: encoding }
    const { heldMs, status, length } = await ask(`${server.url}/v1/embeddings`, body)
    expect(status).toBe(200)
    expect(length).toBeGreaterThanOrEqual(1000 * hidden * minBytesPerNumber)
    expect(heldMs).toBeLessThan(maxHeldMs)
  })
})

describe('a reranker of images', () => {
  let server: ContractServer
  beforeAll(async () => {
    server = await startContractServer('qwen3-vl-reranker', { limits: { requestSeconds: 600, maxQueuedTokens: 1e9 } })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** Noise, which no format makes small. */
  const noise = async (width: number, height: number, channels: 3 | 4): Promise<string> => {
    const pixels = Buffer.from(randomFloats(next, width * height * channels).map((value) => 128 + 127 * value))
    const file = await sharp(pixels, { raw: { width, height, channels } }).png({ compressionLevel: 0 }).toBuffer()
    return `data:image/png;base64,${file.toString('base64')}`
  }
  const imagePart = (url: string) => ({ type: 'image_url', image_url: { url } })

  it.each([
    ['a picture of 19 MB', [2500, 2500, 3], 1, 200],
    ['a picture of 19 MB that has to be laid on white', [2100, 2200, 4], 1, 200],
    ['three pictures of 12 MB', [2000, 2000, 3], 3, 200],
    ['2000 small pictures', [40, 40, 3], 2000, 200],
    ['a picture of 23 MB, which is too large', [2800, 2800, 3], 1, 413],
  ] as const)('%s', async (_name, [width, height, channels], count, expected) => {
    const documents: object[] = []
    for (let i = 0; i < count; i++) documents.push({ content: [imagePart(await noise(width, height, channels))] })
    const { heldMs, status } = await ask(`${server.url}/rerank`, { query: 'red castle', documents })
    expect(status).toBe(expected)
    expect(heldMs).toBeLessThan(maxHeldMs)
  })

  it('a picture in the query of 500 documents', async () => {
    const documents = Array.from({ length: 500 }, () => text(40))
    const query = [imagePart(await noise(1300, 1300, 3))]
    const { heldMs, status } = await ask(`${server.url}/rerank`, { query, documents })
    expect(status).toBe(200)
    expect(heldMs).toBeLessThan(maxHeldMs)
  })
})

const hidden = 4096
const headDim = 64
const intermediate = 64

/** One thin layer, so that the vectors are long and quickly computed. */
async function makeWideCheckpoint(dir: string): Promise<void> {
  await mkdir(join(dir, '1_Pooling'), { recursive: true })
  const golden = (file: string): string => goldenPath(`checkpoints/qwen3-embedding/${file}`)
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'modules.json', 'config_sentence_transformers.json']) {
    await copyFile(golden(file), join(dir, file))
  }
  const config = JSON.parse(await readFile(golden('config.json'), 'utf8'))
  const pooling = JSON.parse(await readFile(golden('1_Pooling/config.json'), 'utf8'))
  const shape = {
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    head_dim: headDim,
  }
  await writeFile(join(dir, 'config.json'), JSON.stringify({ ...config, ...shape }))
  await writeFile(join(dir, '1_Pooling/config.json'), JSON.stringify({ ...pooling, word_embedding_dimension: hidden }))
  const tensor = (...shape: number[]) => {
    const count = shape.reduce((product, axis) => product * axis)
    return { dtype: 'F32', shape, data: bytesOf(randomFloats(next, count).map((value) => value / 16)) }
  }
  const layer = 'layers.0.'
  writeSafetensors(join(dir, 'model.safetensors'), {
    'embed_tokens.weight': tensor(config.vocab_size, hidden),
    [`${layer}input_layernorm.weight`]: tensor(hidden),
    [`${layer}self_attn.q_proj.weight`]: tensor(headDim, hidden),
    [`${layer}self_attn.k_proj.weight`]: tensor(headDim, hidden),
    [`${layer}self_attn.v_proj.weight`]: tensor(headDim, hidden),
    [`${layer}self_attn.q_norm.weight`]: tensor(headDim),
    [`${layer}self_attn.k_norm.weight`]: tensor(headDim),
    [`${layer}self_attn.o_proj.weight`]: tensor(hidden, headDim),
    [`${layer}post_attention_layernorm.weight`]: tensor(hidden),
    [`${layer}mlp.gate_proj.weight`]: tensor(intermediate, hidden),
    [`${layer}mlp.up_proj.weight`]: tensor(intermediate, hidden),
    [`${layer}mlp.down_proj.weight`]: tensor(hidden, intermediate),
    'norm.weight': tensor(hidden),
  })
}
