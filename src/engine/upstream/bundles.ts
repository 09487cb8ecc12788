// Which tasks of a submission share a call: an embedding is a task of its own, and a call for each would leave batches empty.

import type { Task } from '../requests.js'
import { maxTokensPerCall } from './options.js'

/** Tasks in their order; those that are together fit in one call, unless there is one only. */
export function bundlesOf<Asked extends Task>(tasks: readonly Asked[], maxSequences: number): Asked[][] {
  const bundles: Asked[][] = []
  let numSequences = 0
  let tokens = 0
  for (const task of tasks) {
    const last = bundles.at(-1)
    numSequences += task.sequences.length
    tokens += tokensOf(task)
    const fits = numSequences <= maxSequences && tokens <= maxTokensPerCall
    if (last !== undefined && fits && canShare(last[0]!, task)) last.push(task)
    else {
      bundles.push([task])
      numSequences = task.sequences.length
      tokens = tokensOf(task)
    }
  }
  return bundles
}

/** What only some replicas understand would keep the others from the rest, and images make a call large by themselves. */
function canShare(a: Task, b: Task): boolean {
  if (hasVisuals(a) || hasVisuals(b)) return false
  return a.kind === b.kind && isPaired(a) === isPaired(b)
}

const hasVisuals = ({ sequences }: Task): boolean => sequences.some(({ visuals }) => visuals !== undefined)

const isPaired = ({ sequences }: Task): boolean => sequences.some(({ secondFrom }) => secondFrom !== undefined)

const tokensOf = ({ sequences }: Task): number => sequences.reduce((sum, { ids }) => sum + ids.length, 0)
