// Finds files in the table that fill.js made.
//   node search.js "a red square" [MODEL]

import { connect } from '@lancedb/lancedb'
import { Engine } from 'qvl'

const [query, model = 'Qwen/Qwen3-VL-Embedding-2B'] = process.argv.slice(2)
if (query === undefined) {
  console.error('usage: node search.js "what to look for" [MODEL]')
  process.exit(2)
}

const table = await (await connect('vectors')).openTable('files')
// The model has to be the one that filled the table: vectors of two models say nothing about each other.
const engine = await Engine.open({ model })
try {
  const { vector } = await engine.embed(query, { instruction: "Retrieve images or text relevant to the user's query." })
  const found = await table.vectorSearch(Array.from(vector)).distanceType('cosine').limit(10).toArray()
  for (const { name, _distance: distance } of found) console.log((1 - distance).toFixed(4), name)
} finally {
  await engine.close()
}
