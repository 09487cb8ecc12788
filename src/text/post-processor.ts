// Reads what a tokenizer's post-processor puts around one sequence, and around two.

import type { JsonField } from './json-field.js'

export interface Around {
  readonly before: readonly number[]
  readonly after: readonly number[]
}

/** What stands around a pair of texts, as cross-encoders read it. */
export interface AroundPair extends Around {
  readonly between: readonly number[]
  /** Token type of the second text and of what follows it; that of all before is 0. */
  readonly secondType: number
}

const nothing: Around = { before: [], after: [] }

/** `numIds` bounds the ids that may appear. Throws TOKENIZER_INVALID for a kind that qvl does not know. */
export function readPostProcessor(processor: JsonField, numIds: number): Around {
  if (processor.missing) return nothing
  const type = processor.at('type')
  switch (type.value) {
    case 'ByteLevel':
      return nothing
    case 'TemplateProcessing':
      return readTemplate(processor, numIds)
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { before: [readPair(processor.at('cls'), numIds)], after: [readPair(processor.at('sep'), numIds)] }
    case 'Sequence':
      return processor
        .at('processors')
        .items()
        .map((inner) => readPostProcessor(inner, numIds))
        .reduce(
          (inner, outer) => ({
            before: [...outer.before, ...inner.before],
            after: [...inner.after, ...outer.after],
          }),
          nothing,
        )
    default:
      return type.fail('is not a post-processor qvl knows')
  }
}

/** Undefined where the post-processor has no form for two texts. */
export function readPairProcessor(processor: JsonField, numIds: number): AroundPair | undefined {
  if (processor.missing) return undefined
  switch (processor.at('type').value) {
    case 'TemplateProcessing':
      return readPairTemplate(processor, numIds)
    case 'BertProcessing': {
      const { before, after } = readPostProcessor(processor, numIds)
      return { before, between: after, after, secondType: 1 }
    }
    case 'RobertaProcessing': {
      const { before, after } = readPostProcessor(processor, numIds)
      return { before, between: [...after, ...after], after, secondType: 0 }
    }
    default:
      return undefined
  }
}

function readTemplate(processor: JsonField, numIds: number): Around {
  const single = processor.at('single')
  const { specials, numSequences } = readPieces(processor, single, numIds)
  if (numSequences !== 1) single.fail('must hold the sequence once')
  return { before: specials[0]!, after: specials[1]! }
}

function readPairTemplate(processor: JsonField, numIds: number): AroundPair | undefined {
  const pair = processor.at('pair')
  if (pair.missing || pair.items().length === 0) return undefined
  const { specials, numSequences, types } = readPieces(processor, pair, numIds)
  if (numSequences !== 2) pair.fail('must hold both sequences once')
  return { before: specials[0]!, between: specials[1]!, after: specials[2]!, secondType: types[1]! }
}

/** The special tokens before, between and behind the sequences of a template, and the types of the sequences. */
function readPieces(processor: JsonField, template: JsonField, numIds: number) {
  const specials: number[][] = [[]]
  const types: number[] = []
  for (const item of template.items()) {
    const special = item.at('SpecialToken')
    if (special.missing) {
      const sequence = item.at('Sequence')
      sequence.at('id').string()
      const type = sequence.at('type_id')
      types.push(type.missing ? 0 : type.index(2))
      specials.push([])
      continue
    }
    const ids = processor.at('special_tokens').at(special.at('id').string()).at('ids').items()
    specials.at(-1)!.push(...ids.map((id) => id.index(numIds)))
  }
  return { specials, types, numSequences: types.length }
}

/** The id of a `["[CLS]", 101]` pair. */
function readPair(pair: JsonField, numIds: number): number {
  return pair.items()[1]?.index(numIds) ?? pair.fail('must be a token and its id')
}
