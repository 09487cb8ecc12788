// Compares qvl with llama.cpp on one shape of random weights: both in turn, in one run, medians and their ratios.
//
// llama.cpp comes with node-llama-cpp, which is installed into a scratch folder and is no dependency of qvl. It computes
// the language-model head of every token also where only a vector is asked for. With --small-vocabulary its model has
// few tokens and next to no head, which leaves what both compute; without, it does what it does with a real model.
//
// node scripts/compare-llama.js [--scratch DIR] [--shape DIR] [--inputs 64x200 --inputs 16x2048] [--rounds 3]
//   [--threads N] [--small-vocabulary]

import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseConfig } from '../dist/checkpoint/config.js'
import { writeGguf } from './gguf.js'
import { compare, inputsOf, qvlRate, run } from './rates.js'

/** @typedef {import('./rates.js').Inputs} Inputs */

const peer = 'node-llama-cpp@3.22.1'
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

/** What is compared; each gives tokens a second for some inputs. */
const contestants = {
  'qvl bfloat16': (/** @type {Inputs} */ inputs) =>
    qvlRate(inputs, options, ['--device', 'cpu', '--dtype', 'bfloat16']),
  'llama.cpp BF16': (/** @type {Inputs} */ inputs) => peerRate(inputs, 'BF16'),
  'qvl int8': (/** @type {Inputs} */ inputs) => qvlRate(inputs, options, ['--device', 'cpu', '--quantization', 'int8']),
  'llama.cpp Q8_0': (/** @type {Inputs} */ inputs) => peerRate(inputs, 'Q8_0'),
}

/** @type {[string, string][]} */
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
for (const text of options.inputs) {
  const inputs = inputsOf(text)
  console.log(`\n${inputs.numInputs} inputs of ${inputs.numTokens} tokens, tok/s`)
  const measured = Object.entries(contestants).map(([name, measure]) => [name, () => measure(inputs)])
  compare(Object.fromEntries(measured), Number(options.rounds), ratios)
}

function peerRate(/** @type {Inputs} */ { numInputs, numTokens }, /** @type {'BF16' | 'Q8_0'} */ type) {
  const library = join(options.scratch, 'node_modules/node-llama-cpp')
  const size = [numInputs, numTokens, options.threads, String(config.vocabSize)]
  const printed = run(process.execPath, [llamaRate, library, modelFile(type), ...size], options.scratch)
  return JSON.parse(printed).tokensPerSecond
}

function modelFile(/** @type {string} */ type) {
  const { numLayers, hidden, intermediate, vocabSize } = config
  return join(options.scratch, `${numLayers}x${hidden}x${intermediate}-${vocabSize}-${type}.gguf`)
}

/** Its install script would only look for a compiler; the library that comes with it is used. */
function installPeer() {
  mkdirSync(options.scratch, { recursive: true })
  if (existsSync(join(options.scratch, 'node_modules/node-llama-cpp'))) return
  run('npm', ['install', '--prefix', options.scratch, '--ignore-scripts', '--no-save', peer], options.scratch)
}
