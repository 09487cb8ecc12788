// What the server will take of the machine, said before anything is loaded, and refused where it cannot fit.

import type { EnginePlan } from '../engine/plan.js'
import { QvlError } from '../errors.js'
import { withCommas } from './progress-text.js'

const MiB = 1024 ** 2
const GiB = 1024 ** 3

/** Node, its threads, and the requests and answers that are in memory while few wait. */
const programBytes = 192 * MiB

/** Two lines for people. */
export function planText(plan: EnginePlan, limit: number): string[] {
  const { device, dtype, threads, maxModelLen, maxNumBatchedTokens, prefixCacheBytes } = plan
  const parts = [
    `weights ${size(plan.packedBytes)}`,
    `a batch of ${withCommas(maxNumBatchedTokens)} tokens ${size(plan.workspaceBytes)}`,
    `a prompt of ${withCommas(maxModelLen)} tokens ${size(plan.longestPromptBytes)}`,
    `kept prefixes ${size(prefixCacheBytes)}`,
  ]
  return [
    `Plan: ${dtype} on ${device} with ${threads} ${threads === 1 ? 'thread' : 'threads'}.`,
    `Plan: ${parts.join(', ')}; ${size(totalBytes(plan))} of ${size(limit)} of memory at most.`,
  ]
}

/** Throws MEMORY_EXHAUSTED, naming the flag that helps most. `limit` in bytes. */
export function checkFits(plan: EnginePlan, limit: number): void {
  const total = totalBytes(plan)
  if (total <= limit) return
  throw new QvlError('MEMORY_EXHAUSTED', {
    what: `This server needs up to ${size(total)} of memory, and there are ${size(limit)}.`,
    why: `Its weights take ${size(plan.packedBytes)}, its largest batch ${size(batchBytes(plan))}, kept prefixes ${size(plan.prefixCacheBytes)}.`,
    do: remedy(plan, limit - programBytes),
  })
}

/** A batch and a prompt longer than it never run at the same time. */
const batchBytes = ({ workspaceBytes, longestPromptBytes }: EnginePlan): number =>
  Math.max(workspaceBytes, longestPromptBytes)

const totalBytes = (plan: EnginePlan): number =>
  programBytes + plan.packedBytes + batchBytes(plan) + plan.prefixCacheBytes

function remedy(plan: EnginePlan, room: number): string {
  const { packedBytes, workspaceBytes, longestPromptBytes, prefixCacheBytes, dtype } = plan
  if (packedBytes + batchBytes(plan) <= room) {
    const left = Math.floor((room - packedBytes - batchBytes(plan)) / MiB)
    return `Keep fewer prefixes: --kv-cache-memory-bytes ${left}M.`
  }
  const withoutLongest = packedBytes + workspaceBytes + prefixCacheBytes
  if (longestPromptBytes > workspaceBytes && withoutLongest <= room) {
    return 'Take shorter prompts, with a smaller --max-model-len.'
  }
  if (packedBytes < room) return 'Compute less at once, with smaller --max-num-batched-tokens and --max-model-len.'
  if (dtype !== 'int8') return 'Try --quantization int8, which halves the weights, or a smaller model.'
  return 'Use a smaller model, or a machine with more memory.'
}

const size = (bytes: number): string =>
  bytes >= GiB ? `${(bytes / GiB).toFixed(1)} GiB` : `${Math.ceil(bytes / MiB)} MiB`
