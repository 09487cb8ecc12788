// Fills a LanceDB table with texts and images and their vectors.
//   node fill.js FOLDER [MODEL]
// Run again, it adds what is new in the folder.

import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { connect } from '@lancedb/lancedb'
import { Engine } from 'qvl'

const [folder, model = 'Qwen/Qwen3-VL-Embedding-2B'] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node fill.js FOLDER [MODEL]')
  process.exit(2)
}

/** Files embedded and written at a time: a run that is stopped loses no more than this. */
const filesPerWrite = 64

const isImage = (name) => /\.(jpe?g|png|webp|gif)$/i.test(name)
const isText = (name) => /\.(txt|md)$/i.test(name)

const database = await connect('vectors')
const known = await knownNames()
const names = (await readdir(folder)).filter((name) => (isImage(name) || isText(name)) && !known.has(name)).sort()
const engine = await Engine.open({ model, media: { localRoots: [resolve(folder)] } })
try {
  for (let start = 0; start < names.length; start += filesPerWrite) await add(names.slice(start, start + filesPerWrite))
  console.log(`added ${names.length}, ${known.size} were there`)
} finally {
  await engine.close()
}

async function knownNames() {
  if (!(await database.tableNames()).includes('files')) return new Set()
  const table = await database.openTable('files')
  const rows = await table.query().select(['name']).toArray()
  return new Set(rows.map(({ name }) => name))
}

async function add(some) {
  const { vectors } = await engine.embed(await Promise.all(some.map(inputOf)))
  const rows = some.map((name, index) => ({ name, vector: Array.from(vectors[index]) }))
  const exists = (await database.tableNames()).includes('files')
  if (exists) await (await database.openTable('files')).add(rows)
  else await database.createTable('files', rows)
}

async function inputOf(name) {
  return isImage(name) ? { image: resolve(folder, name) } : readFile(join(folder, name), 'utf8')
}
