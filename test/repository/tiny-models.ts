// What stands in for the models and shapes that the documentation names: tiny checkpoints of the same kind.

import { type Checkpoint, checkpointPath } from '../support/server.js'

const standIns: Readonly<Record<string, Checkpoint>> = {
  'Qwen/Qwen3-Reranker-0.6B': 'qwen3-reranker',
  'Qwen/Qwen3-Embedding-0.6B': 'qwen3-embedding',
  'Qwen/Qwen3-VL-Reranker-2B': 'qwen3-vl-reranker',
  'Qwen/Qwen3-VL-Embedding-2B': 'qwen3-vl-embedding',
  'BAAI/bge-reranker-v2-m3': 'xlm-roberta-reranker',
  '.demo/checkpoint': 'qwen3-embedding',
  'examples/shapes/qwen3-0.6b': 'qwen3-embedding',
  'examples/shapes/qwen3-vl-2b': 'qwen3-vl-reranker',
}

export const withTinyModels = (text: string): string =>
  Object.entries(standIns).reduce((result, [name, tiny]) => result.replaceAll(name, checkpointPath(tiny)), text)
