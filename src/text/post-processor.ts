// Reads what a tokenizer's post-processor puts around one sequence.

import type { JsonField } from './json-field.js'

export interface Around {
  readonly before: readonly number[]
  readonly after: readonly number[]
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

function readTemplate(processor: JsonField, numIds: number): Around {
  const before: number[] = []
  const after: number[] = []
  let numSequences = 0
  const single = processor.at('single')
  for (const item of single.items()) {
    const special = item.at('SpecialToken')
    if (special.missing) {
      item.at('Sequence').at('id').string()
      numSequences++
      continue
    }
    const ids = processor.at('special_tokens').at(special.at('id').string()).at('ids').items()
    const side = numSequences === 0 ? before : after
    side.push(...ids.map((id) => id.index(numIds)))
  }
  if (numSequences !== 1) single.fail('must hold the sequence once')
  return { before, after }
}

/** The id of a `["[CLS]", 101]` pair. */
function readPair(pair: JsonField, numIds: number): number {
  return pair.items()[1]?.index(numIds) ?? pair.fail('must be a token and its id')
}
