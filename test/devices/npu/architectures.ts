// Every supported architecture at its true size, as programs with weights that have shapes and no data.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ModelConfig, parseConfig } from '#qvl/checkpoint/config.js'
import type { WeightTable } from '#qvl/checkpoint/weights.js'
import { bert, bertWeightShapes } from '#qvl/models/bert.js'
import { decoderProgram, qwen3, qwen3WeightShapes } from '#qvl/models/qwen3.js'
import { visionTower, visionWeightShapes } from '#qvl/models/qwen3-vl-vision.js'
import type { Program } from '#qvl/program/program.js'

export interface Architecture {
  name: string
  /** What the table of operators calls it. */
  kind: 'decoder' | 'decoder with images' | 'vision tower' | 'encoder'
  program: Program
  weights: WeightTable
  /** Of the longest prompt, or the largest image. */
  maxRows: number
}

const text4b = { hidden_size: 2560, intermediate_size: 9728, num_attention_heads: 32, num_hidden_layers: 36 }
const vl8b = {
  text_config: { hidden_size: 4096, intermediate_size: 12288, num_attention_heads: 32, num_hidden_layers: 36 },
  vision_config: {
    depth: 27,
    hidden_size: 1152,
    intermediate_size: 4304,
    out_hidden_size: 4096,
    deepstack_visual_indexes: [8, 16, 24],
  },
}
const xlmRobertaLarge = { architectures: ['XLMRobertaModel'] }

export const architectures = (): Architecture[] => [
  ...decoders('Qwen3-Embedding-0.6B and -Reranker-0.6B', configOf('qwen3-0.6b')),
  ...decoders('Qwen3-Embedding-4B and -Reranker-4B', configOf('qwen3-0.6b', text4b)),
  ...decoders('Qwen3-Embedding-8B and -Reranker-8B', configOf('qwen3-8b')),
  ...decoders('Qwen3-VL-Embedding-2B and -Reranker-2B', configOf('qwen3-vl-2b')),
  ...decoders('Qwen3-VL-Embedding-8B and -Reranker-8B', configOf('qwen3-vl-2b', vl8b)),
  ...encoders('bge-reranker-v2-m3', configOf('bge-reranker-v2-m3'), 1),
  ...encoders('bge-m3 (XLM-RoBERTa large)', configOf('bge-reranker-v2-m3', xlmRobertaLarge)),
]

function decoders(name: string, config: ModelConfig): Architecture[] {
  if (config.family === 'bert') throw new TypeError(`${name} is an encoder`)
  const labels = { numLabels: 1 }
  if (config.family === 'qwen3') {
    const weights = tableOf(qwen3WeightShapes(config.text, labels))
    const { program } = qwen3(config.text, weights, labels)
    return [{ name, kind: 'decoder', program, weights, maxRows: 4096 }]
  }
  const options = { ...labels, numDeepstack: config.vision.deepstackIndexes.length }
  const weights = tableOf([...qwen3WeightShapes(config.text, options), ...visionWeightShapes(config.vision)])
  const program = decoderProgram(config.text, options)
  return [
    { name, kind: 'decoder with images', program, weights, maxRows: 4096 },
    { name: `${name}: vision`, kind: 'vision tower', ...visionTower(config.vision, weights), maxRows: 7200 },
  ]
}

function encoders(name: string, config: ModelConfig, numLabels?: number): Architecture[] {
  if (config.family !== 'bert') throw new TypeError(`${name} is no encoder`)
  const weights = tableOf(bertWeightShapes(config.encoder, 'roberta', { numLabels }))
  const { program } = bert(config.encoder, weights, { numLabels })
  return [{ name, kind: 'encoder', program, weights, maxRows: 4096 }]
}

function tableOf(shapes: Iterable<readonly [string, readonly number[]]>): WeightTable {
  return new Map(
    [...shapes].map(([name, shape]) => {
      const bytes = shape.reduce((product, axis) => product * axis, 2)
      return [name, { dtype: 'BF16' as const, shape, file: '/absent/model.safetensors', offset: 0, bytes }]
    }),
  )
}

function configOf(folder: string, changes: Record<string, unknown> = {}): ModelConfig {
  const file = fileURLToPath(new URL(`../../../examples/shapes/${folder}/config.json`, import.meta.url))
  return parseConfig(JSON.parse(readFileSync(file, 'utf8')), changes, file)
}
