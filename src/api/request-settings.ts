// What parsers know besides the body: defaults for what a request leaves out, limits, and the model it is for.

import type { ModelFacts, Preparer } from '../engine/requests.js'
import { QvlError } from '../errors.js'
import type { Content } from '../prompts/content.js'

/** Values for fields that a request leaves out: the flags of the command line. */
export interface RequestDefaults {
  instruction?: string | undefined
  dimensions?: number | undefined
  truncatePromptTokens?: number | undefined
  topN?: number | undefined
  encodingFormat?: 'float' | 'base64' | undefined
}

/** Everything may be left out: files have no limits on items, and a form that needs what is missing is refused. */
export interface RequestSettings extends RequestDefaults {
  /** Texts, pairs or conversations of one request. */
  maxItems?: number | undefined
  /** UTF-8 bytes of the text of one item. */
  maxTextBytes?: number | undefined
  /** Without it, limits that depend on the model are left to the preparer. */
  model?: Pick<ModelFacts, 'kind' | 'maxModelLen'> | undefined
  /** Of the model; a request may name them besides the roles of texts. */
  promptNames?: ModelFacts['promptNames'] | undefined
  /** For conversations that are not the model's official recipe. */
  renderChat?: Preparer['renderChat'] | undefined
  trustRequestChatTemplate?: boolean | undefined
  /** The answer may be bytes instead of JSON. */
  acceptsBytes?: boolean | undefined
  /** `sglang` checks and answers reranking as SGLang does (default `vllm`). */
  style?: 'vllm' | 'sglang' | undefined
}

/** Throws REQUEST_TOO_LARGE. */
export function checkItems(numItems: number, path: string, { maxItems }: RequestSettings): void {
  if (maxItems === undefined || numItems <= maxItems) return
  throw new QvlError('REQUEST_TOO_LARGE', {
    what: `\`${path}\` has ${numItems} items.`,
    why: `One request may have ${maxItems}.`,
    do: 'Send several requests, or raise --max-items.',
    param: path,
  })
}

/** Throws REQUEST_TOO_LARGE when the texts of one item are too long together. */
export function checkText(content: Content, path: string, { maxTextBytes }: RequestSettings): void {
  if (maxTextBytes === undefined) return
  const numBytes = textBytes(content)
  if (numBytes <= maxTextBytes) return
  throw new QvlError('REQUEST_TOO_LARGE', {
    what: `\`${path}\` has ${numBytes} bytes of text.`,
    why: `One item may have ${maxTextBytes}, which is more than any model here can read.`,
    do: 'Send a shorter text, or raise --max-text-bytes.',
    param: path,
  })
}

function textBytes(content: Content): number {
  if (typeof content === 'string') return Buffer.byteLength(content)
  return content.reduce((sum, part) => sum + (part.type === 'text' ? Buffer.byteLength(part.text) : 0), 0)
}
