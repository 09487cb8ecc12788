// The demo: embeds and scores the tutorial's inputs through the command line, on a checkpoint made here.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { makeDemoCheckpoint } from './make-demo-checkpoint.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const checkpoint = `${root}.demo/checkpoint`

const instruction = 'Given a web search query, retrieve relevant passages that answer the query'
const queries = ['What is the capital of China?', 'Explain gravity']
const documents = [
  'The capital of China is Beijing.',
  'Gravity is a force that attracts two bodies towards each other. It gives weight to physical objects and is ' +
    'responsible for the movement of planets around the sun.',
]

/** Run qvl over JSONL lines and read the JSONL it answers with. */
function qvl(/** @type {string} */ command, /** @type {object[]} */ lines) {
  const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  const args = [`${root}bin/qvl.js`, command, '--model', checkpoint, '--quiet']
  const { status, stdout } = spawnSync(process.execPath, args, { input, stdio: ['pipe', 'pipe', 'inherit'] })
  if (status !== 0) process.exit(status ?? 1)
  return stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

const short = (/** @type {string} */ text) => (text.length > 34 ? `${text.slice(0, 33)}…` : text)

console.log(`This demo needs no download, so it uses a checkpoint that was constructed, not trained: a weighted bag of
words in the shape of Qwen3-Embedding. It shows the tool at work; its numbers say nothing about Qwen's models.
`)
makeDemoCheckpoint(checkpoint)

const embeddings = qvl('embed', [
  ...queries.map((text) => ({ text, instruction })),
  ...documents.map((text) => ({ text })),
])
console.log('qvl embed: one vector per line of input')
for (const [index, { embedding, usage }] of embeddings.entries()) {
  const head = embedding.slice(0, 4).map((/** @type {number} */ value) => value.toFixed(4))
  const text = [...queries, ...documents][index] ?? ''
  console.log(`  ${short(text).padEnd(36)} ${usage.prompt_tokens} tokens  [${head.join(', ')}, … ${embedding.length}]`)
}

console.log('\nqvl score: the documents of each query, best first')
for (const [index, { results }] of qvl(
  'score',
  queries.map((query) => ({ query, documents })),
).entries()) {
  console.log(`  ${queries[index]}`)
  for (const { index: document, relevance_score: score } of results) {
    console.log(`    ${score.toFixed(4)}  ${short(documents[document] ?? '')}`)
  }
}

console.log(`
With a real model (downloaded once, 1.2 GB):
  npx qvl score --model Qwen/Qwen3-Reranker-0.6B --query "${queries[0]}" --document "${documents[0]}"`)
