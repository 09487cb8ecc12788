// Finds the images in a folder that show what a text says.
//   node search.js FOLDER "a red square" [MODEL]

import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Engine } from 'qvl'

const [folder, query, model = 'Qwen/Qwen3-VL-Embedding-2B'] = process.argv.slice(2)
if (query === undefined) {
  console.error('usage: node search.js FOLDER "what to look for" [MODEL]')
  process.exit(2)
}

const names = (await readdir(folder)).filter((name) => /\.(jpe?g|png|webp|gif)$/i.test(name)).sort()
// The library reads files only below folders that the program names.
const engine = await Engine.open({ model, media: { localRoots: [resolve(folder)] } })
try {
  const images = await engine.embed(names.map((name) => ({ image: resolve(folder, name) })))
  const { vector } = await engine.embed(query, { instruction: "Retrieve images relevant to the user's query." })
  const found = images.vectors
    .map((image, index) => ({ name: names[index], similarity: dot(image, vector) }))
    .sort((one, other) => other.similarity - one.similarity)
  for (const { name, similarity } of found.slice(0, 10)) console.log(similarity.toFixed(4), join(folder, name))
} finally {
  await engine.close()
}

/** Vectors have length 1, so this is their cosine. */
function dot(one, other) {
  return one.reduce((sum, value, index) => sum + value * other[index], 0)
}
