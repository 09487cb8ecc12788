// The engine's limits, each with its default, its flag and its reason.

import { QvlError } from '../errors.js'

/**
 * `--max-model-len`: the longest prompt. The checkpoint's own limit, but no more than this: attention grows with the
 * square of the length, and 262,144 tokens (Qwen3-VL) would take hours on a CPU.
 */
export const defaultMaxModelLen = 32_768

/** `--max-num-batched-tokens`: rows computed in one batch. Large enough to keep matrix products busy; the activations
 * of a 0.6B model then take about 0.5 GB. */
export const defaultMaxNumBatchedTokens = 8_192

/** `--max-num-seqs`: sequences in one batch. Beyond this the pooled rows themselves start to cost memory. */
export const defaultMaxNumSeqs = 1_024

/** The longest prompt that a model takes. Throws USAGE when more is asked for than the checkpoint was made for. */
export function maxPromptTokens(asked: number | undefined, maxPositions: number): number {
  if (asked === undefined || asked === -1) return Math.min(maxPositions, defaultMaxModelLen)
  if (asked <= maxPositions) return asked
  throw new QvlError('USAGE', {
    what: `--max-model-len ${asked} is more than the model can do.`,
    why: `The checkpoint was made for at most ${maxPositions} positions.`,
    do: `Use at most ${maxPositions}.`,
    param: '--max-model-len',
  })
}
