// The head of an original Qwen3 reranker: the language-model head is never run, only W(yes) − W(no) is kept.

import { readRowsFloat32, type WeightTable } from '../checkpoint/weights.js'
import { QvlError } from '../errors.js'

export interface YesNoHead {
  /** [hidden] each, float32. */
  yes: Float32Array
  no: Float32Array
  /** The weights with `score.weight` [1, hidden] = yes − no, formed in float32 as vLLM does. */
  weights: WeightTable
}

/** `lm_head.weight` where the checkpoint has one, else the tied embedding table. */
export async function yesNoHead(weights: WeightTable, yesId: number, noId: number): Promise<YesNoHead> {
  const table = weights.get('lm_head.weight') ?? weights.get('embed_tokens.weight')
  if (table === undefined) {
    throw new QvlError('TENSOR_MISSING', {
      what: 'The checkpoint has neither lm_head.weight nor embed_tokens.weight.',
      why: 'A yes/no reranker takes its two head rows from there.',
      do: 'Check that the download is complete, or use another checkpoint.',
      param: 'lm_head.weight',
    })
  }
  const hidden = table.shape[1]!
  const rows = await readRowsFloat32(table, [yesId, noId])
  const yes = rows.slice(0, hidden)
  const no = rows.slice(hidden)
  const difference = yes.map((value, i) => value - no[i]!)
  const score = { dtype: 'F32', shape: [1, hidden], data: difference } as const
  return { yes, no, weights: new Map([...weights, ['score.weight', score]]) }
}
