// Dataset `custom`: prompts from a file, or queries with documents.

import { pauses } from './pause.js'
import { oversampled, type PickOptions, shuffled, wantedRows } from './pick.js'
import type { BenchRequest } from './request.js'
import { invalidRow, isRecord, type Row, readRows } from './rows.js'
import type { BenchTokenizer } from './tokenizer.js'

export interface CustomOptions extends PickOptions {
  path: string
  skipChatTemplate: boolean
  chatTemplateKwargs: Readonly<Record<string, unknown>>
  signal: AbortSignal | undefined
}

/** The length of a prompt that nobody can count, in vLLM's reports. */
export const unknownLength = 1

/** Throws INPUT_UNREADABLE, REQUEST_INVALID, and USAGE when a chat template is missing. */
export async function customRequests(
  tokenizer: BenchTokenizer | undefined,
  options: CustomOptions,
): Promise<BenchRequest[]> {
  const rows = await readRows(options.path, options.signal)
  const wanted = wantedRows(rows, options)
  const pause = pauses(options.signal)
  const requests: BenchRequest[] = []
  for (const row of shuffled(rows, options).slice(0, wanted)) {
    requests.push(toRequest(row, tokenizer, options))
    await pause()
  }
  return oversampled(requests, wanted, options)
}

function toRequest(row: Row, tokenizer: BenchTokenizer | undefined, options: CustomOptions): BenchRequest {
  const { prompt, query, documents } = row.fields
  if (query !== undefined || documents !== undefined) return rerankRequest(row, tokenizer, options.path)
  if (typeof prompt !== 'string') {
    throw invalidRow(options.path, row.line, 'It has no `prompt` that is a string, and no `query` with `documents`.')
  }
  if (tokenizer === undefined) return { prompt, promptLen: unknownLength }
  const text = options.skipChatTemplate ? prompt : tokenizer.chatPrompt(prompt, options.chatTemplateKwargs)
  return { prompt: text, promptLen: tokenizer.count(text) }
}

/** Ours: `{query, documents}` and whatever else the request is to hold, such as `instruction` or `top_n`. */
function rerankRequest({ line, fields }: Row, tokenizer: BenchTokenizer | undefined, path: string): BenchRequest {
  const { query, documents, output_tokens: _, ...others } = fields
  if (query === undefined || !Array.isArray(documents) || documents.length === 0) {
    throw invalidRow(path, line, '`query` needs `documents`, a list that is not empty, and they need `query`.')
  }
  const items: unknown[] = [query, ...documents]
  const texts = items.map((item) => {
    const text = textOf(item)
    if (text === undefined) throw invalidRow(path, line, '`query` and `documents` are strings or content objects.')
    return text
  })
  const lengths = texts.map((text) => tokenizer?.encode(text).length ?? unknownLength)
  const promptLen = lengths.slice(1).reduce((sum, length) => sum + lengths[0]! + length, 0)
  // Content that is more than a text goes out as it stands in the file.
  const body = items.every((item) => typeof item === 'string') ? others : { ...others, query, documents }
  return Object.keys(body).length === 0 ? { prompt: texts, promptLen } : { prompt: texts, promptLen, body }
}

/** The text in an item: a string, `{text}`, or `{content: [parts]}`. */
function textOf(item: unknown): string | undefined {
  if (typeof item === 'string') return item
  if (!isRecord(item)) return undefined
  if (typeof item.text === 'string') return item.text
  if (!Array.isArray(item.content)) return undefined
  const parts: unknown[] = item.content
  return parts.map((part) => (isRecord(part) && typeof part.text === 'string' ? part.text : '')).join('')
}
