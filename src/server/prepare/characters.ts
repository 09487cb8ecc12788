// How much text a request has to tokenise, in characters: counted before, so that a small body with much work is noticed.

import type { ClassifyRequest, EmbedRequest, ScoreRequest, TokenIds } from '../../engine/requests.js'
import type { Content } from '../../prompts/content.js'

/** What a template puts around one text, and the fixed cost of a prompt, as so many characters. */
const charactersPerPrompt = 200

export function promptCharacters(requests: readonly (EmbedRequest | ClassifyRequest)[]): number {
  return requests.reduce((sum, { content }) => sum + charactersPerPrompt + characters(content), 0)
}

/** The query is tokenised with each of its documents. */
export function pairCharacters(requests: readonly ScoreRequest[]): number {
  return requests.reduce((sum, { query, documents }) => {
    const each = charactersPerPrompt + characters(query)
    return documents.reduce((inner, document) => inner + each + characters(document), sum)
  }, 0)
}

/** Token ids are copied, which costs nothing in comparison. */
function characters(content: Content | TokenIds): number {
  if (typeof content === 'string') return content.length
  if ('tokens' in content) return 0
  return content.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0)
}
