// Makes a Qwen3-Embedding checkpoint whose weights are constructed, not trained, so that the demo needs no download.
//
// The vector it gives is a bag of tokens weighted by how rare they are: attention looks at all tokens alike, and the
// value path is a random projection of the token rows. That is enough to rank a sentence that shares words with a
// question above one that does not. It understands nothing.

import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeSafetensors } from './safetensors.js'

const hidden = 256
const heads = 4
const kvHeads = 2
const headDim = 128
const intermediate = 64

/** The tiny real tokenizer and the metadata of the golden embedding checkpoint. */
const golden = fileURLToPath(new URL('../test/golden/checkpoints/qwen3-embedding/', import.meta.url))

/** @param {string} dir where to write it; created if needed */
export function makeDemoCheckpoint(dir) {
  mkdirSync(join(dir, '1_Pooling'), { recursive: true })
  for (const file of ['tokenizer.json', 'tokenizer_config.json', 'modules.json', 'config_sentence_transformers.json']) {
    copyFileSync(join(golden, file), join(dir, file))
  }
  const config = JSON.parse(readFileSync(join(golden, 'config.json'), 'utf8'))
  const pooling = JSON.parse(readFileSync(join(golden, '1_Pooling/config.json'), 'utf8'))
  Object.assign(config, {
    hidden_size: hidden,
    intermediate_size: intermediate,
    num_hidden_layers: 1,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
  })
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config, null, 2))
  writeFileSync(
    join(dir, '1_Pooling/config.json'),
    JSON.stringify({ ...pooling, word_embedding_dimension: hidden }, null, 2),
  )
  writeSafetensors(join(dir, 'model.safetensors'), constructWeights(config.vocab_size))
}

function constructWeights(/** @type {number} */ vocab) {
  const next = normalNumbers(20260107)
  const kvWidth = kvHeads * headDim
  const projection = Float32Array.from({ length: kvWidth * hidden }, () => next() / Math.sqrt(kvWidth))
  // Channel 0 of every token row only fills the row up to length one; the value path does not read it.
  for (let row = 0; row < kvWidth; row++) projection[row * hidden] = 0
  const layer = 'layers.0.'
  return {
    'embed_tokens.weight': bf16([vocab, hidden], tokenRows(vocab, next)),
    [`${layer}input_layernorm.weight`]: bf16([hidden], ones(hidden)),
    // A query of zero sees every token alike.
    [`${layer}self_attn.q_proj.weight`]: bf16([heads * headDim, hidden], new Float32Array(heads * headDim * hidden)),
    [`${layer}self_attn.k_proj.weight`]: bf16([kvWidth, hidden], projection),
    [`${layer}self_attn.v_proj.weight`]: bf16([kvWidth, hidden], projection),
    [`${layer}self_attn.q_norm.weight`]: bf16([headDim], ones(headDim)),
    [`${layer}self_attn.k_norm.weight`]: bf16([headDim], ones(headDim)),
    [`${layer}self_attn.o_proj.weight`]: bf16([hidden, heads * headDim], transposeForHeads(projection)),
    [`${layer}post_attention_layernorm.weight`]: bf16([hidden], ones(hidden)),
    [`${layer}mlp.gate_proj.weight`]: bf16([intermediate, hidden], new Float32Array(intermediate * hidden)),
    [`${layer}mlp.up_proj.weight`]: bf16([intermediate, hidden], new Float32Array(intermediate * hidden)),
    [`${layer}mlp.down_proj.weight`]: bf16([hidden, intermediate], new Float32Array(hidden * intermediate)),
    // The filling channel is dropped from the vector.
    'norm.weight': bf16([hidden], ones(hidden).fill(0, 0, 1)),
  }
}

/**
 * A random direction per token, long for rare tokens and short for frequent ones. Byte-pair ids are in the order in
 * which the pairs were merged, most frequent first, so log(id) stands in for the inverse document frequency.
 */
function tokenRows(/** @type {number} */ vocab, /** @type {() => number} */ next) {
  const rows = new Float32Array(vocab * hidden)
  for (let token = 0; token < vocab; token++) {
    const row = rows.subarray(token * hidden, (token + 1) * hidden)
    for (let i = 1; i < hidden; i++) row[i] = next()
    const special = token >= 1766
    const rarity = special ? 0 : (Math.log1p(token) / Math.log1p(vocab)) ** 4
    const length = Math.hypot(...row)
    for (let i = 1; i < hidden; i++) row[i] = ((row[i] ?? 0) / length) * rarity
    row[0] = Math.sqrt(1 - rarity ** 2)
  }
  return rows
}

/** o_proj that undoes the projection: each query head gives back the part that its key-value head took. */
function transposeForHeads(/** @type {Float32Array} */ projection) {
  const width = heads * headDim
  const out = new Float32Array(hidden * width)
  for (let column = 0; column < width; column++) {
    const kvHead = Math.floor(column / headDim / (heads / kvHeads))
    const row = kvHead * headDim + (column % headDim)
    for (let i = 0; i < hidden; i++) out[i * width + column] = (projection[row * hidden + i] ?? 0) / (heads / kvHeads)
  }
  return out
}

const ones = (/** @type {number} */ length) => new Float32Array(length).fill(1)

const bf16 = (/** @type {number[]} */ shape, /** @type {Float32Array} */ data) =>
  /** @type {const} */ ({ dtype: 'BF16', shape, data })

/** Normally distributed numbers, the same on every machine (a 32-bit generator and Box–Muller). */
function normalNumbers(/** @type {number} */ seed) {
  let state = seed
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state + 0.5) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
}
