// Chunks of input lines, ready for the device: where a chunk ends depends on nothing but the lines in it.

import type { Visual } from '../media/visual.js'
import type { Item } from './item.js'
import type { InputPosition } from './lines.js'
import type { PreparedLines } from './prepared-lines.js'

export interface ChunkLimits {
  /**
   * Prompt tokens after which a chunk is full. The device idles for a moment between chunks, so there should be several
   * batches in one; and what a crash loses is one chunk, so there should not be many.
   */
  maxTokens: number
  /** Lines after which a chunk is full; bounds the answers in memory when lines are short or bad. */
  maxLines: number
  /** Bytes of images and videos after which a chunk is full: large files may come to few tokens. */
  maxMediaBytes: number
}

export const defaultChunkLimits: ChunkLimits = { maxTokens: 16_384, maxLines: 1_024, maxMediaBytes: 256 * 1024 ** 2 }

export interface Chunk {
  items: readonly Item[]
  /** The images and videos of all items. */
  visuals: ReadonlyMap<string, Visual>
  /** The input after the last line of the chunk. */
  end: InputPosition
}

/** The next chunk, undefined at the end. `strict` ends a chunk at a bad line, since nothing after it will be needed. */
export async function takeChunk(
  lines: PreparedLines,
  { maxTokens, maxLines, maxMediaBytes, strict }: ChunkLimits & { strict: boolean },
): Promise<Chunk | undefined> {
  const items: Item[] = []
  const visuals = new Map<string, Visual>()
  let tokens = 0
  let mediaBytes = 0
  while (items.length < maxLines && tokens < maxTokens && mediaBytes < maxMediaBytes) {
    const line = await lines.next()
    if (line === undefined) break
    const { item, loaded } = line
    items.push(item)
    for (const [key, visual] of loaded?.byKey ?? []) visuals.set(key, visual)
    mediaBytes += loaded?.numBytes ?? 0
    if ('tasks' in item.work) tokens += item.work.tasks.reduce((sum, { promptTokens }) => sum + promptTokens, 0)
    else if (strict) break
  }
  return items.length === 0 ? undefined : { items, visuals, end: lines.position }
}
