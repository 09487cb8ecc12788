// A head made from tokens: the language-model head is never run, only the rows of one or two tokens are kept.

import { readRowsFloat32, type WeightTable } from '../checkpoint/weights.js'
import { QvlError } from '../errors.js'

export interface TokenHead {
  /** The language-model head's row of each token, [hidden] each, in float32. */
  rows: readonly Float32Array[]
  /**
   * The weights with `score.weight` [1, hidden]. Two tokens (no, yes): the second row minus the first, formed in float32 as
   * vLLM does; softmax over the two logits is then the sigmoid of this one. One token: its row.
   */
  weights: WeightTable
}

/** Rows come from `lm_head.weight` where the checkpoint has one, else from the tied embedding table. */
export async function tokenHead(weights: WeightTable, tokenIds: readonly number[]): Promise<TokenHead> {
  const table = weights.get('lm_head.weight') ?? weights.get('embed_tokens.weight')
  if (table === undefined) {
    throw new QvlError('TENSOR_MISSING', {
      what: 'The checkpoint has neither lm_head.weight nor embed_tokens.weight.',
      why: 'A reranker of this kind takes its head rows from there.',
      do: 'Check that the download is complete, or use another checkpoint.',
      param: 'lm_head.weight',
    })
  }
  const hidden = table.shape[1] ?? 0
  const data = await readRowsFloat32(table, tokenIds)
  const rows = tokenIds.map((_, index) => data.slice(index * hidden, (index + 1) * hidden))
  const [first, second] = rows
  const score = second === undefined ? first! : second.map((value, i) => value - first![i]!)
  return { rows, weights: new Map([...weights, ['score.weight', { dtype: 'F32', shape: [1, hidden], data: score }]]) }
}
