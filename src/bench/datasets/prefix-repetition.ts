// Dataset `prefix_repetition`: a few prefixes, each followed by many suffixes.

import { QvlError } from '../../errors.js'
import type { NumpyRandomState } from '../random/numpy-random-state.js'
import { PythonRandom } from '../random/python-random.js'
import { pauses } from './pause.js'
import type { BenchRequest } from './request.js'
import { excessWarning, type FittedPrompt, fitToLength } from './sequence.js'
import type { BenchTokenizer } from './tokenizer.js'

export interface PrefixRepetitionOptions {
  seed: number
  numPrompts: number
  prefixLen: number
  suffixLen: number
  numPrefixes: number
  disableShuffle: boolean
  signal: AbortSignal | undefined
}

/** `random` is NumPy's global generator, which arrival times go on with. Throws USAGE. */
export async function prefixRepetitionRequests(
  tokenizer: BenchTokenizer,
  random: NumpyRandomState,
  options: PrefixRepetitionOptions,
): Promise<{ requests: BenchRequest[]; warnings: string[] }> {
  const perPrefix = Math.floor(options.numPrompts / options.numPrefixes)
  if (perPrefix === 0) throw tooFewPrompts(options)
  const draw = (count: number) => random.integers(tokenizer.vocabSize, count)
  const pause = pauses(options.signal)
  let excess = 0
  const tokens = (length: number): FittedPrompt => {
    const fitted = fitToLength(tokenizer, draw(length), length, draw)
    excess += fitted.excess
    return fitted
  }
  const requests: BenchRequest[] = []
  for (let prefix = 0; prefix < options.numPrefixes; prefix++) {
    const { ids: first } = tokens(options.prefixLen)
    for (let i = 0; i < perPrefix; i++) {
      const ids = [...first, ...tokens(options.suffixLen).ids]
      requests.push({ prompt: tokenizer.decode(ids), promptLen: ids.length })
      await pause()
    }
  }
  if (!options.disableShuffle) new PythonRandom(options.seed).shuffle(requests)
  return { requests, warnings: excessWarning(excess) }
}

function tooFewPrompts({ numPrompts, numPrefixes }: PrefixRepetitionOptions): QvlError {
  return new QvlError('USAGE', {
    what: `${numPrompts} prompts cannot have ${numPrefixes} prefixes.`,
    why: 'Each prefix is used at least once.',
    do: 'Raise --num-prompts, or lower --prefix-repetition-num-prefixes.',
    param: '--prefix-repetition-num-prefixes',
  })
}
