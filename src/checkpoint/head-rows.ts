// The rows of a classification head, one for each label, as the weights have them.

import type { WeightTable } from './weights.js'

/** The last matrix of a head: of the decoders, of RoBERTa, of BERT. */
const heads = ['score.weight', 'classifier.out_proj.weight', 'classifier.weight']

/** Undefined where the weights have no head. */
export function headRows(weights: WeightTable): number | undefined {
  return heads.flatMap((name) => weights.get(name)?.shape[0] ?? []).at(0)
}
