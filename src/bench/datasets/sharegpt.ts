// Dataset `sharegpt`: the first turn of each conversation, where its length and that of the answer are usual.

import { jsonElements } from './json-elements.js'
import { pauses } from './pause.js'
import { oversampled, type PickOptions, shuffled } from './pick.js'
import type { BenchRequest, MediaPart } from './request.js'
import { isRecord, noRows } from './rows.js'
import type { BenchTokenizer } from './tokenizer.js'

export interface ShareGptOptions extends PickOptions {
  path: string
  /** Taken as the length of every answer. */
  outputLen: number | undefined
  signal: AbortSignal | undefined
}

/** What is sent: vLLM's limits, in tokens. */
const minTokens = 4
const maxPromptTokens = 1024
const maxTotalTokens = 2048

interface Conversation {
  prompt: string
  answer: string
  media: MediaPart | undefined
}

/** Throws INPUT_UNREADABLE, and REQUEST_INVALID for a file of another form or without a usable conversation. */
export async function shareGptRequests(tokenizer: BenchTokenizer, options: ShareGptOptions): Promise<BenchRequest[]> {
  const conversations: Conversation[] = []
  for await (const entry of jsonElements(options.path, options.signal)) {
    const conversation = readConversation(entry)
    if (conversation !== undefined) conversations.push(conversation)
  }
  const pause = pauses(options.signal)
  const requests: BenchRequest[] = []
  for (const conversation of shuffled(conversations, options)) {
    if (requests.length >= options.numPrompts) break
    const request = toRequest(conversation, tokenizer, options.outputLen)
    if (request !== undefined) requests.push(request)
    await pause()
  }
  if (requests.length === 0) throw noRows(options.path)
  return oversampled(requests, options.numPrompts, options)
}

/** Undefined for an entry with fewer than two turns, which takes no part in the shuffle. */
function readConversation(entry: unknown): Conversation | undefined {
  if (!isRecord(entry) || !Array.isArray(entry.conversations)) return undefined
  const [prompt, answer] = entry.conversations.map(turnText)
  return prompt === undefined || answer === undefined ? undefined : { prompt, answer, media: mediaOf(entry) }
}

function turnText(turn: unknown): string | undefined {
  return isRecord(turn) && typeof turn.value === 'string' ? turn.value : undefined
}

/** The files that an entry names, by their addresses. */
function mediaOf({ image, video }: Record<string, unknown>): MediaPart | undefined {
  const address = (name: string): string => (/^(https?|file):\/\/|^data:/.test(name) ? name : `file://${name}`)
  if (typeof image === 'string' && image !== '') return { type: 'image_url', image_url: { url: address(image) } }
  if (typeof video === 'string' && video !== '') return { type: 'video_url', video_url: { url: address(video) } }
  return undefined
}

function toRequest(
  { prompt, answer, media }: Conversation,
  tokenizer: BenchTokenizer,
  outputLen: number | undefined,
): BenchRequest | undefined {
  const promptLen = tokenizer.count(prompt)
  const answerLen = outputLen ?? tokenizer.count(answer)
  const tooShort = promptLen < minTokens || (outputLen === undefined && answerLen < minTokens)
  const tooLong = promptLen > maxPromptTokens || promptLen + answerLen > maxTotalTokens
  if (tooShort || tooLong) return undefined
  return media === undefined ? { prompt, promptLen } : { prompt, promptLen, media: [media] }
}
