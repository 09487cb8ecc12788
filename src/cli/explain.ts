// --explain: what went into the model for each line, and the numbers that came out, in place of results.

import { wireFloat } from '../api/floats.js'
import type { Explanation } from '../engine/requests.js'
import type { QvlError } from '../errors.js'
import type { Answer } from '../offline/item.js'
import type { AnsweredLine } from './answered-lines.js'
import { printable } from './terminal.js'

/** One prompt of a line. */
interface Explained extends Explanation {
  /** From 1. */
  line: number
  /** Of a score, the position of the document; of an embedding, of the text among those of the line. */
  index: number
  score?: number
}

/** As JSON lines. */
export function explainJson(answered: AnsweredLine): string {
  return explained(answered)
    .map(({ line, index, score, prompt, ids, logitYes, logitNo, logit }) => {
      const numbers = Object.entries({ score, logit, logit_yes: logitYes, logit_no: logitNo })
      return JSON.stringify({
        line,
        index,
        ...Object.fromEntries(
          numbers.flatMap(([key, value]) => (value === undefined ? [] : [[key, wireFloat(value)]])),
        ),
        prompt,
        num_tokens: ids.length,
        token_ids: ids,
      })
    })
    .map((text) => `${text}\n`)
    .join('')
}

/** For reading. `toTerminal` shows control characters of the texts as escapes. */
export function explainText(answered: AnsweredLine, toTerminal: boolean): string {
  const shown = toTerminal ? printable : (text: string) => text
  return explained(answered)
    .map((one) => {
      const prompt = shown(shortPads(one.prompt))
      return `${heading(one)}\n--- prompt\n${prompt}\n--- token ids\n${shortRuns(one.ids)}\n\n`
    })
    .join('')
}

/** An image is hundreds of equal tokens. */
const shortPads = (prompt: string): string =>
  prompt.replace(/(<\|(?:image|video)_pad\|>)\1+/g, (run, pad: string) => `${pad}×${run.length / pad.length}`)

/** Ids that stand so often in a row are those of an image. */
const minShortened = 4

function shortRuns(ids: readonly number[]): string {
  const words: string[] = []
  for (let start = 0, end = 0; start < ids.length; start = end) {
    while (end < ids.length && ids[end] === ids[start]) end++
    const count = end - start
    if (count < minShortened) for (let i = 0; i < count; i++) words.push(`${ids[start]}`)
    else words.push(`${ids[start]}×${count}`)
  }
  return words.join(' ')
}

export const explainFailure = (line: number, { code, message }: QvlError): string =>
  `line ${line}: error[${code}] ${printable(message)}\n\n`

function explained({ item, answers }: AnsweredLine): Explained[] {
  return answers.flatMap(explanationsOf).map((explanation, index) => ({ line: item.line, index, ...explanation }))
}

function explanationsOf(answer: Answer): (Explanation & { score?: number })[] {
  if ('vector' in answer) return answer.explanation === undefined ? [] : [answer.explanation]
  return (answer.explanations ?? []).map((explanation, index) => ({ ...explanation, score: answer.scores[index]! }))
}

function heading({ line, index, score, ids, logit, logitYes, logitNo }: Explained): string {
  const size = `${ids.length} tokens`
  if (score === undefined) return `line ${line}, text ${index}: ${size}`
  const logits = Object.entries({ logit, yes: logitYes, no: logitNo })
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value.toFixed(4)}`]))
    .join(', ')
  return `line ${line}, document ${index}: score ${score.toFixed(6)}${logits && ` (${logits})`}, ${size}`
}
