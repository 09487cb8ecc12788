// Measures llama.cpp once, in a process of its own: embeds random token ids and prints tokens a second as JSON.
//
// node scripts/llama-rate.js <node_modules/node-llama-cpp> <file.gguf> <inputs> <tokens> <threads> <vocabulary>

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [library, file, ...numbers] = process.argv.slice(2)
const [numInputs, numTokens, threads, vocabSize] = numbers.map(Number)

const { getLlama, LlamaLogLevel } = await import(pathToFileURL(join(library, 'dist/index.js')).href)
const llama = await getLlama({ gpu: false, build: 'never', maxThreads: threads, logLevel: LlamaLogLevel.error })
const model = await llama.loadModel({ modelPath: file, defaultContextFlashAttention: true })
// One batch holds a whole input, which is the fastest; an input has to be shorter than the context.
const contextSize = numTokens + 8
const context = await model.createEmbeddingContext({ contextSize, batchSize: contextSize, threads })

let state = 1
const inputs = Array.from({ length: numInputs }, () =>
  Array.from({ length: numTokens }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % vocabSize
  }),
)
const { vector } = await context.getEmbeddingFor(inputs[0])
if (!vector.every(Number.isFinite)) throw new Error('the vector of a first input is not finite')
const started = performance.now()
for (const ids of inputs) await context.getEmbeddingFor(ids)
const seconds = (performance.now() - started) / 1000

console.log(JSON.stringify({ tokensPerSecond: (numInputs * numTokens) / seconds, system: llama.systemInfo }))
await llama.dispose()
