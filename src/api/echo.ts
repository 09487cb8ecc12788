// Documents as an answer repeats them: JSON text, made where the documents are.

import type { Content, Part } from '../prompts/content.js'

/** The JSON texts by position: an array, or texts kept in one buffer. */
export interface Echo {
  at(index: number): string | undefined
  /** The same in pieces, where one document may have megabytes of images. */
  pieces?(index: number): Iterable<string>
}

/** Nothing where there is no such document. */
export function echoPieces(echo: Echo | undefined, index: number): Iterable<string> | undefined {
  if (echo?.pieces !== undefined) return echo.pieces(index)
  const text = echo?.at(index)
  return text === undefined ? undefined : [text]
}

/** vLLM's form, whatever form the request had: `{"text": …, "multi_modal": …}`. */
export function echoDocument(document: Content): string {
  if (typeof document === 'string') return `{"text":${JSON.stringify(document)},"multi_modal":null}`
  return `{"text":null,"multi_modal":${JSON.stringify(document.map(wirePart))}}`
}

/** A string, or a list of parts, as SGLang and TEI answer. */
export const echoPlain = (document: Content): string =>
  JSON.stringify(typeof document === 'string' ? document : document.map(wirePart))

function wirePart(part: Part): object {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image':
      return { type: 'image_url', image_url: { url: part.image } }
    case 'video':
      return { type: 'video_url', video_url: { url: part.video } }
    default:
      return part satisfies never
  }
}
