// What a program hands over to be embedded or scored.

/**
 * An `http(s):`, `data:` or `file:` URL, a path, or the bytes of a file (a Buffer is a Uint8Array). Files are read below
 * `media.localRoots` only, and hosts must have public addresses unless `media.allowedNetworks` has them.
 */
export type MediaSource = string | URL | Uint8Array

/** A text, an image, or a video: a file, or its frames as images. */
export type Part =
  | { type: 'text'; text: string }
  | { type: 'image'; image: MediaSource }
  | { type: 'video'; video: MediaSource | readonly MediaSource[] }

/** Each may be absent. A list as `image` is so many images; a list as `video` is the frames of one video. */
export interface Fields {
  text?: string | undefined
  image?: MediaSource | readonly MediaSource[] | undefined
  video?: MediaSource | readonly MediaSource[] | undefined
}

/** One thing to embed or to score: a text, or parts that are one thing together, by their names or in a list. */
export type Input = string | Fields | { content: readonly Part[] }
