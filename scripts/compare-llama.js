// Compares qvl with llama.cpp on one shape of random weights: both in turn, in one run, medians and their ratios.
//
// llama.cpp comes with node-llama-cpp, which is installed into a scratch folder and is no dependency of qvl. It computes
// the language-model head of every token also where only a vector is asked for. With --small-vocabulary its model has
// few tokens and next to no head, which leaves what both compute; without, it does what it does with a real model.
//
// node scripts/compare-llama.js [--scratch DIR] [--shape DIR] [--inputs 64x200 --inputs 16x2048] [--rounds 3]
//   [--threads N] [--small-vocabulary]

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseConfig } from '../dist/checkpoint/config.js'
import { median } from '../dist/engine/throughput/figures.js'
import { writeGguf } from './gguf.js'

const peer = 'node-llama-cpp@3.22.1'
const qvl = fileURLToPath(new URL('../bin/qvl.js', import.meta.url))
const llamaRate = fileURLToPath(new URL('./llama-rate.js', import.meta.url))

const { values: options } = parseArgs({
  options: {
    scratch: { type: 'string', default: join(tmpdir(), 'qvl-compare-llama') },
    shape: { type: 'string', default: fileURLToPath(new URL('../examples/shapes/qwen3-0.6b', import.meta.url)) },
    inputs: { type: 'string', multiple: true, default: ['64x200', '16x2048'] },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
    'small-vocabulary': { type: 'boolean', default: false },
  },
})
const { text: decoder } = parseConfig(JSON.parse(readFileSync(join(options.shape, 'config.json'), 'utf8')))
const config = options['small-vocabulary'] ? { ...decoder, vocabSize: 1024 } : decoder

/** What is compared; each gives tokens a second for some inputs of some tokens. */
const contestants = {
  'qvl bfloat16': (/** @type {string} */ numInputs, /** @type {string} */ numTokens) =>
    qvlRate(numInputs, numTokens, ['--dtype', 'bfloat16']),
  'llama.cpp BF16': (/** @type {string} */ numInputs, /** @type {string} */ numTokens) =>
    peerRate(numInputs, numTokens, 'BF16'),
  'qvl int8': (/** @type {string} */ numInputs, /** @type {string} */ numTokens) =>
    qvlRate(numInputs, numTokens, ['--quantization', 'int8']),
  'llama.cpp Q8_0': (/** @type {string} */ numInputs, /** @type {string} */ numTokens) =>
    peerRate(numInputs, numTokens, 'Q8_0'),
}

const ratios = [
  ['qvl bfloat16', 'llama.cpp BF16'],
  ['qvl bfloat16', 'llama.cpp Q8_0'],
  ['qvl int8', 'qvl bfloat16'],
  ['qvl int8', 'llama.cpp Q8_0'],
]

installPeer()
for (const type of /** @type {const} */ (['BF16', 'Q8_0'])) {
  if (!existsSync(modelFile(type))) writeGguf(modelFile(type), config, type)
}
const head = options['small-vocabulary'] ? ' with a small vocabulary' : ''
console.log(`${cpus()[0]?.model}, ${options.threads} threads, ${options.rounds} rounds, ${peer}${head}`)
for (const inputs of options.inputs) compare(inputs)

function compare(/** @type {string} */ inputs) {
  const [numInputs, numTokens] = inputs.split('x')
  /** @type {Record<string, number[]>} */
  const rates = {}
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, measure] of Object.entries(contestants)) {
      rates[name] = [...(rates[name] ?? []), measure(numInputs, numTokens)]
    }
  }
  const medians = Object.fromEntries(Object.entries(rates).map(([name, all]) => [name, median(all)]))
  console.log(`\n${numInputs} inputs of ${numTokens} tokens, tok/s`)
  for (const [name, all] of Object.entries(rates)) {
    console.log(
      `  ${name.padEnd(15)} ${medians[name].toFixed(0).padStart(7)}   (${all.map((rate) => rate.toFixed(0)).join(', ')})`,
    )
  }
  for (const [a, b] of ratios) console.log(`  ${a} / ${b}: ${(medians[a] / medians[b]).toFixed(2)}`)
}

function qvlRate(/** @type {string} */ numInputs, /** @type {string} */ numTokens, /** @type {string[]} */ more) {
  const report = join(options.scratch, 'report.json')
  const size = ['--num-prompts', numInputs, '--random-input-len', numTokens, '--threads', options.threads]
  const fixed = ['--dummy-weights', '-m', options.shape, '--device', 'cpu', '--num-runs', '1', '-q']
  run(process.execPath, [qvl, 'bench', 'throughput', ...fixed, ...size, ...more, '--output-json', report])
  const { tokens_per_second: rate } = JSON.parse(readFileSync(report, 'utf8'))
  rmSync(report)
  return rate
}

function peerRate(
  /** @type {string} */ numInputs,
  /** @type {string} */ numTokens,
  /** @type {'BF16' | 'Q8_0'} */ type,
) {
  const library = join(options.scratch, 'node_modules/node-llama-cpp')
  const size = [numInputs, numTokens, options.threads, String(config.vocabSize)]
  return JSON.parse(run(process.execPath, [llamaRate, library, modelFile(type), ...size])).tokensPerSecond
}

function modelFile(/** @type {string} */ type) {
  const { numLayers, hidden, intermediate, vocabSize } = config
  return join(options.scratch, `${numLayers}x${hidden}x${intermediate}-${vocabSize}-${type}.gguf`)
}

/** Its install script would only look for a compiler; the library that comes with it is used. */
function installPeer() {
  mkdirSync(options.scratch, { recursive: true })
  if (existsSync(join(options.scratch, 'node_modules/node-llama-cpp'))) return
  run('npm', ['install', '--prefix', options.scratch, '--ignore-scripts', '--no-save', peer])
}

/** What the command prints. Ends this process when it fails. */
function run(/** @type {string} */ command, /** @type {string[]} */ args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', cwd: options.scratch })
  if (status === 0) return stdout
  console.error(`${command} ${args.join(' ')}\n${error?.message ?? stderr}`)
  process.exit(1)
}
