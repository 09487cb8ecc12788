// The input of a cross-encoder: both texts in one sequence, between the tokenizer's own special tokens.

import { QvlError } from '../errors.js'
import { type RichText, template, user } from '../text/rich-text.js'
import type { Tokenizer } from '../text/tokenizer.js'
import { cutPair, type IdPair } from './cut-pair.js'
import { promptTooLong } from './fit-prompt.js'
import { givenInstruction } from './instruction.js'
import type { FormatOptions, PromptLimits, ScoreFormat } from './prompt.js'
import { fitText } from './reach.js'
import { textSide } from './side.js'

/** Throws TOKENIZER_INVALID when the tokenizer has no form for two texts. */
export function crossEncoder({ tokenizer }: Pick<FormatOptions, 'tokenizer'>): ScoreFormat {
  const { before, between, after, secondType } = pairForm(tokenizer)
  const numSpecial = before.length + between.length + after.length
  const encodeQuery = rememberLast((query) => tokenizer.encode(query))
  return {
    kind: 'score',
    name: 'cross-encoder',
    pooling: 'first',
    pair(item, limits) {
      if (givenInstruction(item.instruction) !== undefined) throw noInstruction()
      const query = fitText(textSide(item.query, 'query').text, item.maxTokensPerQuery, tokenizer, limits)
      const document = fitText(textSide(item.document).text, item.maxTokensPerDoc, tokenizer, limits)
      const texts = { first: encodeQuery(query), second: tokenizer.encode(document) }
      const { first, second } = fitPair(texts, { limits, numSpecial, tokenizer })
      const secondFrom = before.length + first.length + between.length
      const numTokens = texts.first.length + texts.second.length + numSpecial
      return {
        text: [marks(before), user(query), marks(between), user(document), marks(after)],
        ids: Int32Array.from([...before, ...first, ...between, ...second, ...after]),
        prefixTokens: 0,
        ...(secondType === 1 && { secondFrom }),
        ...(numTokens > limits.maxTokens && { cutFrom: numTokens }),
      }
    },
  }

  function marks(ids: readonly number[]): RichText[number] {
    return template(ids.map((id) => tokenizer.tokenText(id) ?? '').join(''))
  }
}

/** The pairs of a request have the query in common. */
function rememberLast(encode: (text: string) => readonly number[]): (text: string) => readonly number[] {
  let last: { text: string; ids: readonly number[] } | undefined
  return (text) => {
    if (last?.text !== text) last = { text, ids: encode(text) }
    return last.ids
  }
}

interface FitPairOptions {
  limits: PromptLimits
  numSpecial: number
  tokenizer: Tokenizer
}

function fitPair(texts: IdPair, { limits, numSpecial, tokenizer }: FitPairOptions): IdPair {
  const { maxTokens, overflow, side } = limits
  const numTokens = texts.first.length + texts.second.length + numSpecial
  if (numTokens <= maxTokens) return texts
  if (overflow === 'error') throw promptTooLong(numTokens, maxTokens)
  const cut = cutPair(texts, { room: maxTokens - numSpecial, strategy: tokenizer.pairTruncation, side })
  return cut ?? noRoom(maxTokens)
}

function pairForm(tokenizer: Tokenizer) {
  if (tokenizer.aroundPair !== undefined) return tokenizer.aroundPair
  throw new QvlError('TOKENIZER_INVALID', {
    what: 'The tokenizer has no form for two texts.',
    why: 'A cross-encoder reads a query and a document in one sequence, and the post_processor of tokenizer.json says how.',
    do: "Download the checkpoint's tokenizer.json again.",
    param: 'post_processor',
  })
}

/**
 * A cross-encoder is trained on bare pairs. Written into the query, an instruction would change scores in a way that nobody
 * has measured; left out, it would seem to work.
 */
const noInstruction = (): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: 'This model takes no instruction.',
    why: 'It is a cross-encoder: it was trained on a query and a document, and nothing else.',
    do: 'Leave the instruction out, or write it into the query.',
    param: 'instruction',
  })

function noRoom(maxTokens: number): never {
  throw new QvlError('INPUT_TOO_LONG', {
    what: `The limit of ${maxTokens} tokens leaves no room for this pair.`,
    why: 'The special tokens, and the text that the tokenizer does not let be cut, take more than that.',
    do: 'Raise the limit, or shorten the texts.',
  })
}
