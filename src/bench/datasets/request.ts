// One request of a benchmark, before a backend writes its body.

/** A part of a chat message besides its text, as it goes over the wire. */
export type MediaPart =
  | { type: 'image_url'; image_url: { url: string; [key: string]: unknown } }
  | { type: 'video_url'; video_url: { url: string; [key: string]: unknown } }

export type ContentPart = { type: 'text'; text: string } | MediaPart

export interface BenchRequest {
  /** A text; or a list of inputs; or, for rerank, the query and its documents. */
  prompt: string | readonly string[]
  /** Tokens in all, as the client counts them: informative, the server's count is what a report adds up. */
  promptLen: number
  /** Goes after the text in one chat message; for rerank the text is the query, and this is the document. */
  media?: readonly MediaPart[]
  /** The content of a message in an order of its own (custom_image), in place of the prompt where chat is sent. */
  content?: readonly ContentPart[]
  /** Fields that a row of a custom file brings for the request body; they win over --extra-body. */
  body?: Readonly<Record<string, unknown>>
}
