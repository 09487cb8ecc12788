// What a request asks about: text now, with media parts kept apart so that they are never mistaken for text.

export type Part =
  | { type: 'text'; text: string }
  | { type: 'image'; image: string }
  | { type: 'video'; video: string | readonly string[] }

/** A string, or parts. An empty list means "nothing", which the VL formats write as NULL. */
export type Content = string | readonly Part[]
