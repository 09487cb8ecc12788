// Which model is measured, and the tokenizer that makes its prompts.

import { locateTokenizer } from '../checkpoint/locate.js'
import { QvlError } from '../errors.js'
import type { BenchEvents, BenchOptions } from './bench.js'
import { type BenchTokenizer, openBenchTokenizer } from './datasets/tokenizer.js'
import type { Target } from './load/target.js'
import { firstModel } from './server-questions.js'

export interface Identity {
  /** Sent with requests. */
  name: string
  /** Named in the result. */
  id: string
}

/** The model of the flags, or else the server's first. Throws USAGE. */
export async function identify(
  { model, servedModelName }: BenchOptions,
  target: Target,
  { print, signal }: BenchEvents,
): Promise<Identity> {
  if (model !== undefined) return { name: servedModelName ?? model, id: model }
  print('Model not specified, fetching first model from server...')
  const { name, root } = await firstModel(target, signal)
  print(`First model name: ${name}, first model id: ${root}`)
  return { name: servedModelName ?? name, id: root }
}

/** A folder's or a hub's, without the weights beside it. Throws what opening throws, with what to do about it. */
export async function openTokenizer(
  ref: string,
  { revision, downloadDir }: BenchOptions,
  { onDownload, signal, warn }: BenchEvents,
): Promise<BenchTokenizer> {
  try {
    const { dir } = await locateTokenizer(ref, { revision, downloadDir, onDownload, signal, warn })
    return await openBenchTokenizer(dir)
  } catch (error) {
    if (!(error instanceof QvlError)) throw error
    throw new QvlError(error.code, {
      what: `The tokenizer of ${ref} cannot be opened: ${error.details.what}`,
      ...(error.details.why !== undefined && { why: error.details.why }),
      do: 'Name another with --tokenizer, a folder or a Hugging Face id; a custom dataset also works with --skip-tokenizer-init.',
      param: '--tokenizer',
      cause: error,
    })
  }
}
