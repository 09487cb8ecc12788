// A prepared request as a message: token ids and texts each in one buffer, which changes hands without a copy.

import type { Sequence, Task } from '../../engine/requests.js'
import { JsonTexts } from './json-texts.js'
import type { Prepared } from './prepared.js'

export interface Packed {
  rest: WithoutArrays<Prepared>
  tasks: readonly PackedTask[]
  /** Token ids of all sequences, one sequence after the other. */
  ids: Int32Array<ArrayBuffer>
  texts: Pick<JsonTexts, 'bytes' | 'ends'> | undefined
}

type PackedTask = Task extends infer Each ? (Each extends Task ? WithoutSequences<Each> : never) : never
type WithoutSequences<Each extends Task> = Omit<Each, 'sequences'> & { sequences: readonly PackedSequence[] }
type WithoutArrays<Each> = Each extends Prepared ? Omit<Each, 'tasks' | 'texts' | 'loaded'> : never
type PackedSequence = Omit<Sequence, 'ids'> & { numTokens: number }

/** Before its images are with it. */
export function pack({ tasks, loaded: _, ...prepared }: Prepared): { packed: Packed; transfer: ArrayBuffer[] } {
  const { texts, ...rest } = { texts: undefined, ...prepared }
  const numTokens = tasks.reduce((sum, { promptTokens }) => sum + promptTokens, 0)
  const ids = new Int32Array(numTokens)
  let end = 0
  const packSequence = ({ ids: own, ...sequence }: Sequence): PackedSequence => {
    ids.set(own, end)
    end += own.length
    return { ...sequence, numTokens: own.length }
  }
  const packed: Packed = {
    rest,
    tasks: tasks.map((task) => ({ ...task, sequences: task.sequences.map(packSequence) })),
    ids,
    texts: texts && { bytes: texts.bytes, ends: texts.ends },
  }
  const buffers = texts === undefined ? [] : [texts.bytes.buffer, texts.ends.buffer]
  return { packed, transfer: [ids.buffer, ...buffers] }
}

export function unpack({ rest, tasks, ids, texts }: Packed): Prepared {
  let end = 0
  const unpackSequence = ({ numTokens, ...sequence }: PackedSequence): Sequence => {
    end += numTokens
    return { ...sequence, ids: ids.subarray(end - numTokens, end) }
  }
  // The same members as before packing; Omit loses which belongs to which kind.
  return {
    ...rest,
    tasks: tasks.map((task) => ({ ...task, sequences: task.sequences.map(unpackSequence) })),
    texts: texts && new JsonTexts(texts.bytes, texts.ends),
  } as Prepared
}
