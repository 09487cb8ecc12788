// The engine's limits, each with its default, its flag and its reason.

import type { DeviceName } from '../devices/device.js'
import { defaultMaxRows } from '../devices/npu/gears.js'
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

/**
 * Patches that go through the vision tower at once: the activations of a 2B model's tower then take about 0.5 GB, and
 * handing them to the device holds the event loop for some 20 ms. The largest image has 7,200.
 */
export const maxPatchesPerRun = 8_192

/**
 * Images and videos that are fetched, read or measured at a time: each is a file in memory, and a video is a process with
 * threads of its own. One request gets a part of them, so that a slow host holds up its own request only.
 */
export const maxImagesOpening = 32
export const maxImagesOpeningPerRequest = 8
export const maxVideosOpening = 2

/** What one request may have fetched or read, as much as four bodies of the largest size. */
export const maxMediaBytesPerRequest = 256 * 1024 ** 2

/** Pixels that a request may ask for one image to be resized to: 16,384 tokens, the most that the models were made for. */
export const maxAskedPixels = 16_384 * 32 ** 2

/** `--mm-processor-cache-gb`: memory for the features of images that were seen before; one takes up to 60 MB. */
export const defaultVisualCacheBytes = 1024 ** 3

/**
 * The longest prompt that a model takes. What sentence-transformers keeps as `max_seq_length` is a default: more may be
 * asked for. An npu is compiled for shorter ones, unless more is asked for. Throws USAGE when more is asked for than the checkpoint was made for.
 */
export function maxPromptTokens(
  asked: number | undefined,
  maxPositions: number,
  { maxSeqLength = maxPositions, device }: { maxSeqLength?: number | undefined; device?: DeviceName | undefined } = {},
): number {
  const most = device === 'npu' ? defaultMaxRows : defaultMaxModelLen
  if (asked === undefined || asked === -1) return Math.min(maxPositions, maxSeqLength, most)
  if (asked <= maxPositions) return asked
  throw new QvlError('USAGE', {
    what: `--max-model-len ${asked} is more than the model can do.`,
    why: `The checkpoint was made for at most ${maxPositions} positions.`,
    do: `Use at most ${maxPositions}.`,
    param: '--max-model-len',
  })
}
