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

/**
 * Rows come from the embedding table where the head is tied to it, even where a head is stored as well, and else from
 * `lm_head.weight`: an embedding table that is no head gives numbers that look right and are not.
 */
export async function tokenHead(
  weights: WeightTable,
  tokenIds: readonly number[],
  tiedEmbeddings = !weights.has('lm_head.weight'),
): Promise<TokenHead> {
  const name = tiedEmbeddings ? 'embed_tokens.weight' : 'lm_head.weight'
  const table = weights.get(name)
  if (table === undefined) throw noHead(name)
  const hidden = table.shape[1] ?? 0
  const data = await readRowsFloat32(table, tokenIds)
  const rows = tokenIds.map((_, index) => data.slice(index * hidden, (index + 1) * hidden))
  const [first, second] = rows
  const score = second === undefined ? first! : second.map((value, i) => value - first![i]!)
  return { rows, weights: new Map([...weights, ['score.weight', { dtype: 'F32', shape: [1, hidden], data: score }]]) }
}

const noHead = (name: string): QvlError =>
  new QvlError('TENSOR_MISSING', {
    what: `The checkpoint has no ${name}.`,
    why: 'By its configuration (tie_word_embeddings), a reranker of this kind takes the rows of its head from there.',
    do: 'Check that the download is complete. An embedding model has no such head: use --convert embed.',
    param: name,
  })
