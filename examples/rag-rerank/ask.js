// The retrieval half of RAG: passages near a question by their vectors, the best of them by a reranker, then a prompt for
// the language model that answers.
//   node ask.js "How do I change the oil?" [EMBEDDER] [RERANKER]

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Engine } from 'qvl'

const defaults = ['Qwen/Qwen3-Embedding-0.6B', 'Qwen/Qwen3-Reranker-0.6B']
const [question, embedder = defaults[0], reranker = defaults[1]] = process.argv.slice(2)
if (question === undefined) {
  console.error('usage: node ask.js "a question" [EMBEDDER] [RERANKER]')
  process.exit(2)
}

const passages = await readPassages(join(import.meta.dirname, 'passages'))
const candidates = await retrieve(passages.map(({ text }) => text))
const best = await rerank(candidates.map((index) => passages[index]))

for (const { score, source, text } of best) console.log(score.toFixed(4), source, text.slice(0, 60))
console.log(`\n${promptOf(best)}`)

/** A passage is what stands between empty lines. */
async function readPassages(folder) {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.md')).sort()
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return files.flatMap((source, index) =>
    texts[index]
      .split(/\n{2,}/)
      .map((text) => ({ source, text: text.trim().replaceAll('\n', ' ') }))
      .filter(({ text }) => text !== '' && !text.startsWith('#')),
  )
}

/** Fast: each passage is embedded once, by itself. The vectors of passages would be kept in a store. */
async function retrieve(texts) {
  const engine = await Engine.open({ model: embedder })
  try {
    const { vectors } = await engine.embed(texts)
    const instruction = 'Given a question, retrieve passages that answer it'
    const { vector } = await engine.embed(question, { instruction })
    const similarity = (index) => vectors[index].reduce((sum, value, at) => sum + value * vector[at], 0)
    return [...texts.keys()].sort((one, other) => similarity(other) - similarity(one)).slice(0, 20)
  } finally {
    await engine.close()
  }
}

/** Exact: the model reads question and passage together. */
async function rerank(found) {
  const engine = await Engine.open({ model: reranker })
  try {
    const texts = found.map(({ text }) => text)
    const { results } = await engine.rerank(question, texts, { topN: 3 })
    return results.map(({ index, score }) => ({ score, ...found[index] }))
  } finally {
    await engine.close()
  }
}

function promptOf(sources) {
  const quoted = sources.map(({ source, text }, index) => `[${index + 1}] (${source}) ${text}`)
  return `Answer with these sources, and name them.\n\n${quoted.join('\n')}\n\nQuestion: ${question}`
}
