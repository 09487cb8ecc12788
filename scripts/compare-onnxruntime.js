// Compares the cpu device with ONNX Runtime on one shape of random weights: both in turn, in one run, medians and their
// ratios. The graph that ONNX Runtime is given is that of the ort device, which is packed too: nothing is padded.
//
// node scripts/compare-onnxruntime.js [--shape DIR] [--inputs 32x200 --inputs 8x512] [--rounds 3] [--threads N]

import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { compare, inputsOf, qvlRate } from './rates.js'

const { values: options } = parseArgs({
  options: {
    shape: {
      type: 'string',
      default: fileURLToPath(new URL('../examples/shapes/bge-reranker-v2-m3', import.meta.url)),
    },
    inputs: { type: 'string', multiple: true, default: ['32x200', '8x512'] },
    rounds: { type: 'string', default: '3' },
    threads: { type: 'string', default: String(availableParallelism()) },
  },
})
const scratch = mkdtempSync(join(tmpdir(), 'qvl-compare-onnxruntime-'))
const where = { ...options, scratch }

const devices = {
  'cpu float32': ['--device', 'cpu', '--dtype', 'float32'],
  'cpu bfloat16': ['--device', 'cpu', '--dtype', 'bfloat16'],
  'cpu int8': ['--device', 'cpu', '--quantization', 'int8'],
  'ONNX Runtime float32': ['--device', 'ort', '--dtype', 'float32'],
}
const ratios = Object.keys(devices).flatMap((name) =>
  name.startsWith('cpu') ? [/** @type {const} */ ([name, 'ONNX Runtime float32'])] : [],
)

console.log(`${cpus()[0]?.model}, ${options.threads} threads, ${options.rounds} rounds, ${basename(options.shape)}`)
try {
  for (const text of options.inputs) {
    const inputs = inputsOf(text)
    console.log(`\n${inputs.numInputs} inputs of ${inputs.numTokens} tokens, tok/s`)
    const measured = Object.entries(devices).map(([name, more]) => [name, () => qvlRate(inputs, where, more)])
    compare(Object.fromEntries(measured), Number(options.rounds), ratios)
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
