// What a checkpoint is for and whether qvl runs it, from its files and without loading it.

import { openCheckpoint } from '../checkpoint/checkpoint.js'
import { lackingFile } from '../checkpoint/hub/cache-complete.js'
import { QvlError } from '../errors.js'
import { chooseKind, kindByFiles } from '../prompts/choose-format.js'
import { checkModules } from '../prompts/sentence-recipe.js'
import { openTokenizer } from '../text/tokenizer.js'

export type CheckpointKind = 'embedding' | 'reranker' | 'cross-encoder'

export interface CheckpointFacts {
  /** Undefined for one that is not supported or not whole. */
  kind: CheckpointKind | undefined
  vision: boolean
  supported: boolean
  /** Why it is not, or what told the kind; a sentence or part of one. */
  reason: string
  fingerprint: string | undefined
}

/** `id` may tell the kind, where nothing else does. Throws nothing about the checkpoint. */
export async function describeCheckpoint(dir: string, id: string): Promise<CheckpointFacts> {
  try {
    const lacking = await lackingFile(dir, 'checkpoint')
    if (lacking !== undefined) return unfit(`It lacks ${lacking}.`)
    return await describeWhole(dir, id)
  } catch (error) {
    if (!(error instanceof QvlError)) throw error
    const { what, why } = error.details
    return unfit(error.code === 'MODEL_UNSUPPORTED' ? shortened(what, dir) : (why ?? what))
  }
}

async function describeWhole(dir: string, id: string): Promise<CheckpointFacts> {
  const { config, sentenceTransformers, weights, fingerprint } = await openCheckpoint(dir)
  const facts = { id, config, sentenceTransformers }
  // Opening a tokenizer takes longer than all the rest.
  const choice =
    kindByFiles(facts) ?? chooseKind({ ...facts, tensorNames: weights, tokenizer: await openTokenizer(dir) })
  if (choice.kind === 'embed') checkModules(sentenceTransformers)
  const scores = config.family === 'bert' ? 'cross-encoder' : 'reranker'
  const kind = choice.kind === 'embed' ? 'embedding' : scores
  return { kind, vision: config.family === 'qwen3-vl', supported: true, reason: choice.reason, fingerprint }
}

/** The list has the name of the model in another column. */
const shortened = (what: string, dir: string): string => what.replace(`${dir}/config.json is of`, 'It is')

const unfit = (reason: string): CheckpointFacts => ({
  kind: undefined,
  vision: false,
  supported: false,
  reason,
  fingerprint: undefined,
})
