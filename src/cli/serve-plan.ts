// What the server will take of the machine, said before anything is loaded, and refused where it cannot fit.

import type { EnginePlan, TowerPlan } from '../engine/plan.js'
import { QvlError } from '../errors.js'
import { withCommas } from './progress-text.js'

const MiB = 1024 ** 2
const GiB = 1024 ** 3

/** Node, its threads, and the requests and answers that are in memory while few wait. */
const programBytes = 192 * MiB

/** Lines for people. */
export function planText(plan: EnginePlan, limit: number): string[] {
  const { maxModelLen, maxNumBatchedTokens, prefixCacheBytes, tower, ownMemory } = plan
  const parts = [
    ...(ownMemory === undefined ? [`weights ${size(plan.packedBytes)}`] : []),
    `a batch of ${withCommas(maxNumBatchedTokens)} tokens ${size(plan.workspaceBytes)}`,
    `a prompt of ${withCommas(maxModelLen)} tokens ${size(plan.longestPromptBytes)}`,
    ...(ownMemory === undefined ? [`kept prefixes ${size(prefixCacheBytes)}`] : []),
  ]
  const images = tower && [
    ...(ownMemory === undefined ? [`vision tower ${size(tower.packedBytes)}`] : []),
    `a run of the vision tower ${size(tower.workspaceBytes)}`,
    `its largest image or video ${size(tower.largestBytes)}`,
    `kept images ${size(tower.cacheBytes)}`,
  ]
  return [
    `Plan: ${whereText(plan)}.`,
    ...(images === undefined ? [] : [`Plan: ${images.join(', ')}.`]),
    `Plan: ${parts.join(', ')}; ${size(totalBytes(plan))} of ${size(limit)} of memory at most.`,
  ]
}

function whereText({ device, dtype, threads, ownMemory }: EnginePlan): string {
  if (ownMemory === undefined) return `${dtype} on ${device} with ${threads} ${threads === 1 ? 'thread' : 'threads'}`
  const { numDevices } = ownMemory
  return numDevices === 1
    ? `${dtype} on one ${device}, with weights and values in its own memory`
    : `${dtype} on ${numDevices} ${device} devices, with weights and values in their own memory`
}

/** Throws MEMORY_EXHAUSTED, naming the flag that helps most. `limit` in bytes. */
export function checkFits(plan: EnginePlan, limit: number): void {
  const total = totalBytes(plan)
  if (total <= limit) return
  const { tower } = plan
  const images = tower ? `, its vision tower ${size(towerBytes(tower))}, kept images ${size(tower.cacheBytes)}` : ''
  throw new QvlError('MEMORY_EXHAUSTED', {
    what: `This server needs up to ${size(total)} of memory, and there are ${size(limit)}.`,
    why: `Its weights take ${size(plan.packedBytes)}, its largest batch ${size(batchBytes(plan))}, kept prefixes ${size(plan.prefixCacheBytes)}${images}.`,
    do: remedy(plan, limit - programBytes),
  })
}

/** A batch and a prompt longer than it never run at the same time. */
const batchBytes = ({ workspaceBytes, longestPromptBytes }: EnginePlan): number =>
  Math.max(workspaceBytes, longestPromptBytes)

/** Without the images that are kept. The memory of a run stays with the tower. */
const towerBytes = ({ packedBytes, workspaceBytes, largestBytes }: TowerPlan): number =>
  packedBytes + Math.max(workspaceBytes, largestBytes)

const totalBytes = (plan: EnginePlan): number => programBytes + neededBytes(plan) + keptBytes(plan)

/** What cannot be done without. */
const neededBytes = (plan: EnginePlan): number =>
  plan.packedBytes + batchBytes(plan) + (plan.tower ? towerBytes(plan.tower) : 0)

const keptBytes = ({ prefixCacheBytes, tower }: EnginePlan): number => prefixCacheBytes + (tower?.cacheBytes ?? 0)

function remedy(plan: EnginePlan, room: number): string {
  const { packedBytes, workspaceBytes, longestPromptBytes, dtype, tower } = plan
  const needed = neededBytes(plan)
  if (needed <= room) return keepLess(plan, room - needed)
  if (tower && needed - towerBytes(tower) <= room) {
    const smaller = 'Make images and videos smaller with --mm-processor-kwargs and --media-io-kwargs'
    return `${smaller}, or take none: --limit-mm-per-prompt '{"image":0,"video":0}'.`
  }
  const withoutLongest = needed - batchBytes(plan) + workspaceBytes
  if (longestPromptBytes > workspaceBytes && withoutLongest <= room) {
    return 'Take shorter prompts, with a smaller --max-model-len.'
  }
  if (packedBytes < room) return 'Compute less at once, with smaller --max-num-batched-tokens and --max-model-len.'
  if (dtype !== 'int8') return 'Try --quantization int8, which halves the weights, or a smaller model.'
  return 'Use a smaller model, or a machine with more memory.'
}

/** Images are dearer to compute again than prefixes, so that these give way first. `left` in bytes. */
function keepLess({ prefixCacheBytes, tower }: EnginePlan, left: number): string {
  const images = tower?.cacheBytes ?? 0
  if (images <= left) return `Keep fewer prefixes: --kv-cache-memory-bytes ${Math.floor((left - images) / MiB)}M.`
  const fewer = `--mm-processor-cache-gb ${(Math.floor((10 * left) / GiB) / 10).toFixed(1)}`
  return prefixCacheBytes === 0
    ? `Keep fewer images: ${fewer}.`
    : `Keep fewer images and no prefixes: ${fewer} --kv-cache-memory-bytes 0.`
}

const size = (bytes: number): string =>
  bytes >= GiB ? `${(bytes / GiB).toFixed(1)} GiB` : `${Math.ceil(bytes / MiB)} MiB`
