// Canonical tensor names: checkpoints of the same model put different prefixes before the same names.

import { QvlError } from '../errors.js'
import { quoteName } from './quote-name.js'

/** Longest first, so that the first match is the whole prefix. */
const textPrefixes = ['model.language_model.', 'language_model.model.', 'language_model.', 'model.']
const encoderPrefixes = ['roberta.', 'xlm_roberta.', 'bert.']
const visualPrefixes = ['model.visual.', 'visual.']
const headNames = ['lm_head.weight', 'score.weight']
const embedding = 'embed_tokens.weight'

/**
 * Canonical name to the name in the file. The text decoder and the encoders lose their prefix, the vision tower gets
 * `visual.`, the heads keep their bare names, and anything else keeps its full name.
 *
 * Throws CHECKPOINT_INVALID when there are two embedding tables, or when two tensors get the same name.
 */
export function canonicalNames(names: Iterable<string>): Map<string, string> {
  const stored = [...names]
  const textPrefix = findTextPrefix(stored)
  const canonical = new Map<string, string>()
  for (const name of stored) {
    const short = canonicalName(name, textPrefix)
    const other = canonical.get(short)
    if (other !== undefined) {
      throw ambiguous(other, name, `Both are the tensor ${quoteName(short)} of the model.`)
    }
    canonical.set(short, name)
  }
  return canonical
}

/** The prefix of the one embedding table; empty where the model has none, as BERT, or where the prefix is not a known one. */
function findTextPrefix(names: readonly string[]): string {
  const [first, second] = names.filter((name) => name === embedding || name.endsWith(`.${embedding}`))
  if (first !== undefined && second !== undefined) {
    throw ambiguous(first, second, 'Both can be the embedding table of the text model.')
  }
  return textPrefixes.find((prefix) => first === prefix + embedding) ?? ''
}

function canonicalName(name: string, textPrefix: string): string {
  const visualPrefix = visualPrefixes.find((prefix) => name.startsWith(prefix))
  if (visualPrefix !== undefined) return `visual.${name.slice(visualPrefix.length)}`
  const encoderPrefix = encoderPrefixes.find((prefix) => name.startsWith(prefix))
  if (encoderPrefix !== undefined) return withNewNormNames(name.slice(encoderPrefix.length))
  const head = headNames.find((bare) => textPrefixes.some((prefix) => name === prefix + bare))
  if (head !== undefined) return head
  return withNewNormNames(name.startsWith(textPrefix) ? name.slice(textPrefix.length) : name)
}

/** Checkpoints converted from TensorFlow call a norm's weight and bias gamma and beta. */
const withNewNormNames = (name: string): string =>
  name.replace(/\.LayerNorm\.gamma$/, '.LayerNorm.weight').replace(/\.LayerNorm\.beta$/, '.LayerNorm.bias')

function ambiguous(first: string, second: string, why: string): QvlError {
  return new QvlError('CHECKPOINT_INVALID', {
    what: `The checkpoint has both ${quoteName(first)} and ${quoteName(second)}.`,
    why,
    do: 'Remove one of them by converting the checkpoint again.',
    param: quoteName(second),
  })
}
