// The engine's limits, each with its default, its flag and its reason.

/**
 * `--max-model-len`: the longest prompt. The checkpoint's own limit, but no more than this: attention grows with the
 * square of the length, and 262,144 tokens (Qwen3-VL) would take hours on a CPU.
 */
export const defaultMaxModelLen = 32_768

/** `--max-num-batched-tokens`: rows computed in one batch. Large enough to keep matrix products busy; the activations
 * of a 0.6B model then take about 0.5 GB. */
export const defaultMaxNumBatchedTokens = 8_192

/** `--max-num-seqs`: sequences in one batch. Beyond this the pooled rows themselves start to cost memory. */
export const maxNumSeqs = 1_024
