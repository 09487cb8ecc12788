// What a request asks about: text now, with media parts kept apart so that they are never mistaken for text.

import { QvlError } from '../errors.js'

export type Part =
  | { type: 'text'; text: string }
  | { type: 'image'; image: string }
  | { type: 'video'; video: string | readonly string[] }

/** A string, or parts. An empty list means "nothing", which the VL formats write as NULL. */
export type Content = string | readonly Part[]

/** The texts of a content, in order. Throws MEDIA_UNSUPPORTED, with these details, at the first image or video. */
export function textsOf(content: Content, details: { why: string; param?: string | undefined }): readonly string[] {
  if (typeof content === 'string') return [content]
  return content.map((part) => {
    switch (part.type) {
      case 'text':
        return part.text
      case 'image':
      case 'video':
        throw new QvlError('MEDIA_UNSUPPORTED', {
          what: `This input has ${part.type === 'image' ? 'an image' : 'a video'} part.`,
          why: details.why,
          do: `Remove the ${part.type} part, or send its content as text.`,
          ...(details.param !== undefined && { param: details.param }),
        })
      default:
        return part satisfies never
    }
  })
}
