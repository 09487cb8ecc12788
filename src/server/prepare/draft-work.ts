// How much a draft has to tokenise, in characters: known before, so that a small body with much work is noticed.

import type { Content } from '../../prompts/content.js'
import { mediaParts, type Visuals, visualReference } from '../../prompts/visuals.js'
import type { Draft } from './draft.js'
import { sidesOf } from './draft-sides.js'

/** What a template puts around one text, and the fixed cost of a prompt, as so many characters. */
const charactersPerPrompt = 200
/** What a token of an image costs. */
const charactersPerPad = 4

/** The query is tokenised with each of its documents. */
export function numCharacters(draft: Draft): number {
  if (draft.kind === 'tokenize') return draft.body.text.length
  if (draft.kind === 'detokenize') return draft.body.tokens.length
  return sidesOf(draft).reduce((sum, { content, numPrompts }) => {
    return sum + numPrompts * (charactersPerPrompt + textCharacters(content))
  }, 0)
}

/** What the images of its prompts add. */
export function visualCharacters(draft: Draft, visuals: Visuals): number {
  return sidesOf(draft).reduce((sum, { content, numPrompts }) => {
    const tokens = mediaParts(content).map((part) => {
      const facts = visuals.get(visualReference(part))
      return facts === undefined ? 0 : facts.tokens.height * facts.tokens.width * facts.grid[0]
    })
    return sum + numPrompts * charactersPerPad * tokens.reduce((total, each) => total + each, 0)
  }, 0)
}

function textCharacters(content: Content): number {
  if (typeof content === 'string') return content.length
  return content.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0)
}
