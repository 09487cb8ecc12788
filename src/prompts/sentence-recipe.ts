// How an encoder's token vectors become the vector of a text, from what sentence-transformers keeps beside the model.

import type { PoolingConfig, PoolingMode } from '../checkpoint/pooling-config.js'
import type { PromptsConfig, SentenceLimits } from '../checkpoint/sentence-transformers.js'
import { QvlError } from '../errors.js'
import type { Pooling } from './prompt.js'

/** What sentence-transformers says about a checkpoint. Each part is undefined where its file is absent. */
export interface SentenceFacts {
  modules: readonly { kind: string }[] | undefined
  pooling?: PoolingConfig | undefined
  prompts?: PromptsConfig | undefined
  limits?: SentenceLimits | undefined
}

export interface SentenceRecipe {
  pooling: Pooling
  /** Whether vectors get length 1 unless a request says otherwise. */
  normalizes: boolean
  /** Text to put before an input, by name. */
  prompts: ReadonlyMap<string, string>
  defaultPromptName: string | undefined
  /** Texts are put in lower case before they are tokenised. */
  lowerCase: boolean
  /** The model is made for the vectors of its tokens, and pools none. */
  tokensOnly: boolean
  /** For the start banner. */
  words: string
}

const poolings: Partial<Record<PoolingMode, Pooling>> = { cls: 'first', lastToken: 'last', mean: 'mean' }

const poolingWords: Readonly<Record<Pooling, string>> = {
  first: "the first token's vector",
  last: "the last token's vector",
  mean: 'the mean of all tokens',
}

/**
 * `asked` settles the pooling in place of the files. Without files it is the mean and no more, which is what
 * sentence-transformers makes of a bare model. Throws MODEL_UNSUPPORTED.
 */
export function sentenceRecipe(facts: SentenceFacts | undefined, asked?: Pooling): SentenceRecipe {
  const kinds = facts?.modules?.map(({ kind }) => kind)
  const pooling = asked ?? poolingOf(facts?.pooling)
  const normalizes = kinds?.includes('normalize') ?? false
  const prompts = facts?.prompts?.prompts ?? new Map<string, string>()
  checkPrompts(facts?.pooling, pooling, prompts)
  const length = normalizes ? 'normalised' : 'not normalised'
  const source =
    kinds === undefined && asked === undefined ? ' (sentence-transformers does so without modules.json)' : ''
  return {
    pooling,
    normalizes,
    prompts,
    defaultPromptName: facts?.prompts?.defaultPromptName,
    lowerCase: facts?.limits?.doLowerCase ?? false,
    tokensOnly: kinds !== undefined && !kinds.includes('pooling'),
    words: `${poolingWords[pooling]}, ${length}${source}`,
  }
}

/** A module that is left out would leave vectors that look right and are not. Throws MODEL_UNSUPPORTED. */
export function checkModules(facts: SentenceFacts | undefined): void {
  if (facts?.modules?.some(({ kind }) => kind === 'dense') !== true) return
  throw unsupported('a Dense module', 'It changes every vector, and qvl has no such step.')
}

/** The decoders' formats pool the last token, whatever else a model was trained for. Throws MODEL_UNSUPPORTED. */
export function checkLastToken(facts: SentenceFacts | undefined): void {
  const modes = facts?.pooling?.modes ?? ['lastToken']
  if (modes.length === 1 && modes[0] === 'lastToken') return
  throw unsupported(`the pooling ${modes.join(' + ')}`, 'Supported with a decoder is lastToken.')
}

function poolingOf(config: PoolingConfig | undefined): Pooling {
  if (config === undefined) return 'mean'
  const [mode, ...others] = config.modes
  const pooling = mode === undefined || others.length > 0 ? undefined : poolings[mode]
  if (pooling !== undefined) return pooling
  throw unsupported(`the pooling ${config.modes.join(' + ')}`, `Supported are ${Object.keys(poolings).join(', ')}.`)
}

function checkPrompts(config: PoolingConfig | undefined, pooling: Pooling, prompts: ReadonlyMap<string, string>): void {
  if (config?.includePrompt !== false || pooling !== 'mean') return
  if ([...prompts.values()].every((prompt) => prompt === '')) return
  throw unsupported('prompts that are left out of the mean', 'Here every token counts in a mean.')
}

const unsupported = (what: string, why: string): QvlError =>
  new QvlError('MODEL_UNSUPPORTED', {
    what: `The checkpoint's sentence-transformers files ask for ${what}.`,
    why,
    do: 'Use a checkpoint without it.',
    param: 'modules.json',
  })
