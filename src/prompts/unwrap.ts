// Input that arrives already wrapped in the model's prompt template, brought back to the bare text.

import { givenInstruction } from './instruction.js'

export interface Unwrapped {
  text: string
  /** The instruction inside the wrapping, if it has one. */
  instruction: string | undefined
}

/**
 * Some clients wrap a text that another layer wrapped before. Each level is one scan of the text, so the number is bounded.
 */
const maxLevels = 4

const notMarkup = '(?:(?!<\\|im_).)*'
const judgeHead = new RegExp(
  `^\\s*<\\|im_start\\|>system\\n${notMarkup}<\\|im_end\\|>\\n*<\\|im_start\\|>user\\n+`,
  's',
)
const chatHead = new RegExp(
  `^(?:<\\|im_start\\|>system\\n(${notMarkup})<\\|im_end\\|>\\n+)?<\\|im_start\\|>user\\n`,
  's',
)
const tail = /<\|im_end\|>\s*<\|im_start\|>assistant\s*(?:<think>\s*<\/think>\s*)?(?:<\|endoftext\|>)?$/

/**
 * A reranker's query. Wrapped means: an optional system turn, an optional `<Instruct>:`, then `<Query>:`, at the very start
 * of the text, with or without the spaces and newlines that the text and VL formats put between them.
 */
export const unwrapQuery = (text: string): Unwrapped | undefined => unwrapLevels(text, unwrapQueryOnce)

/** A reranker's document. Wrapped means: `<Document>:` at the very start, and an optional scoring tail at the end. */
export const unwrapDocument = (text: string): Unwrapped | undefined => unwrapLevels(text, unwrapDocumentOnce)

/** A VL embedder's input. Wrapped means: one whole conversation, from the first turn to the generation prompt. */
export const unwrapChat = (text: string): Unwrapped | undefined => unwrapLevels(text, unwrapChatOnce)

function unwrapLevels(
  text: string,
  once: (text: string, levelsLeft: number) => Unwrapped | undefined,
): Unwrapped | undefined {
  let found: Unwrapped | undefined
  for (let levelsLeft = maxLevels - 1; levelsLeft >= 0; levelsLeft--) {
    const inner = once(found?.text ?? text, levelsLeft)
    if (inner === undefined) break
    // The innermost instruction is the one its author wrote first.
    found = { text: inner.text, instruction: givenInstruction(inner.instruction) ?? found?.instruction }
  }
  return found
}

function unwrapQueryOnce(text: string): Unwrapped | undefined {
  const body = text.replace(judgeHead, '').trimStart()
  const instruct = afterLabel(body, '<Instruct>:')
  const labelled = instruct ?? body
  const queryStart = instruct === undefined ? 0 : instruct.indexOf('<Query>:')
  const query = queryStart < 0 ? undefined : afterLabel(labelled.slice(queryStart), '<Query>:')
  if (query === undefined) return undefined
  return { text: withoutDocumentLabel(query), instruction: instruct?.slice(0, queryStart).trim() }
}

function unwrapDocumentOnce(text: string): Unwrapped | undefined {
  const document = afterLabel(text.trimStart(), '<Document>:')
  if (document === undefined) return undefined
  return { text: document.replace(tail, ''), instruction: undefined }
}

function unwrapChatOnce(text: string, levelsLeft: number): Unwrapped | undefined {
  if (levelsLeft < 0) return undefined
  const head = chatHead.exec(text)
  const end = tail.exec(text)
  if (head === null || end === null || end.index < head[0].length) return undefined
  const inner = text.slice(head[0].length, end.index)
  // A conversation of several turns is a text about a conversation, unless the inner part is a whole wrapping again.
  if (inner.includes('<|im_') && unwrapChatOnce(inner, levelsLeft - 1) === undefined) return undefined
  return { text: inner, instruction: head[1] }
}

/** What follows the label at the start of the text, without the space or newlines that belong to the label. */
function afterLabel(text: string, label: string): string | undefined {
  return text.startsWith(label) ? text.slice(label.length).replace(/^(?: |\n+)/, '') : undefined
}

/** The query without the newlines before the next field, and without that field's label. */
function withoutDocumentLabel(query: string): string {
  const label = '<Document>:'
  const trimmed = query.trimEnd()
  return withoutNewlinesAtEnd(trimmed.endsWith(label) ? trimmed.slice(0, -label.length) : query)
}

function withoutNewlinesAtEnd(text: string): string {
  let end = text.length
  while (text[end - 1] === '\n') end--
  return text.slice(0, end)
}
