// The flags of qvl serve about the model, and the opening of it.

import { openAnyEngine } from '../engine/open.js'
import type { EngineOptions } from '../engine/options.js'
import { planEngine } from '../engine/plan.js'
import { QvlError } from '../errors.js'
import { memoryLimit } from '../server/memory-share.js'
import { openPreparation } from '../server/prepare/preparation.js'
import type { PrepareSettings } from '../server/prepare/settings.js'
import type { OpenedModel, OpenOptions } from '../server/server.js'
import { engineOptions } from './engine-options.js'
import type { JsonObject } from './flag.js'
import { placeOf } from './open-model.js'
import type { PhaseName } from './panel/phases.js'
import { checkFits, planText } from './serve-plan.js'
import type { Settings } from './settings.js'

const GiB = 1024 ** 3

/** `say` is told what a person should know about the flags. Throws USAGE. */
export async function servedEngineOptions(
  settings: Settings,
  model: string,
  say: (message: string) => void,
): Promise<EngineOptions> {
  const convert = convertOf(settings, say)
  const options = await engineOptions({ ...settings, model, convert }, 'serve', { note: say })
  const keeps = settings['enable-prefix-caching']
  const cacheBytes = Math.min(GiB, Math.floor(memoryLimit() / 16))
  const prefixCacheBytes = settings['kv-cache-memory-bytes'] ?? cacheBytes
  return {
    ...options,
    media: { ...options.media, cacheBytes: options.media?.cacheBytes ?? cacheBytes },
    maxNumSeqs: settings['max-num-seqs'],
    schedulingPolicy: settings['scheduling-policy'],
    promptFormat: settings['prompt-format'],
    ...poolerOptions(settings['pooler-config'] ?? {}),
    prefixCacheBytes: keeps ? prefixCacheBytes : 0,
  }
}

export interface OpenServedOptions extends OpenOptions {
  engine: EngineOptions
  prepare: PrepareSettings
  numThreads: number
  warn: (message: string) => void
  /** Told the plan, line by line. */
  say: (message: string) => void
  onPhase: (name: PhaseName) => void
}

/** Plans, loads, computes once and starts the preparing threads. Throws MEMORY_EXHAUSTED, and what these steps throw. */
export async function openServed(options: OpenServedOptions): Promise<OpenedModel> {
  const { signal, onBatch, warn, numThreads, onPhase } = options
  await planOrReplicas(options)
  signal.throwIfAborted()
  onPhase('read')
  const engine = await openAnyEngine({
    ...options.engine,
    onPack: () => onPhase('pack'),
    name: options.prepare.servedModelNames[0],
    signal,
    onBatch,
    warn,
  })
  try {
    signal.throwIfAborted()
    onPhase('warm up')
    await engine.warmUp()
    const preparation = await openPreparation({ engine, settings: options.prepare, numThreads, warn })
    return { engine, preparation }
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** Says the plan, or which replicas compute; those have memory of their own. Throws MEMORY_EXHAUSTED. */
async function planOrReplicas({ engine, signal, say }: OpenServedOptions): Promise<void> {
  if (engine.upstream !== undefined) {
    say(`Upstream: ${placeOf(engine)} compute; prompts, limits and files stay here.`)
    return
  }
  const limit = memoryLimit()
  // What is odd about the checkpoint is said when it is opened.
  const plan = await planEngine({ ...engine, signal, warn: undefined })
  for (const line of planText(plan, limit)) say(line)
  checkFits(plan, limit)
}

/** vLLM's --task and --pooler-config.task are older and newer words for what --convert says. */
function convertOf(settings: Settings, say: (message: string) => void): Settings['convert'] {
  const { task, convert } = settings
  const pooler = settings['pooler-config'] ?? {}
  if (task !== undefined) say('--task is an old flag of vLLM; qvl takes it as --convert.')
  for (const [key, value] of Object.entries(pooler)) checkPoolerKey(key, value, say)
  const asked = pooler.task ?? task
  if (asked === undefined || convert !== 'auto') return convert
  const found = typeof asked === 'string' ? tasks.get(asked) : undefined
  if (found !== undefined) return found
  throw new QvlError('USAGE', {
    what: `The task ${JSON.stringify(asked)} is not something qvl does.`,
    why: `It is one of: ${[...tasks.keys()].join(', ')}.`,
    do: 'Correct it, or leave it out: the checkpoint says what it is for.',
    param: task === undefined ? '--pooler-config' : '--task',
  })
}

/** vLLM's names. */
const poolings: Readonly<Record<string, EngineOptions['pooling']>> = { CLS: 'first', LAST: 'last', MEAN: 'mean' }

/** The part of --pooler-config that says how vectors are made: whether it fits the model is seen when that is opened. */
function poolerOptions(pooler: JsonObject): Pick<EngineOptions, 'pooling' | 'lateInteraction'> {
  const type = pooler.seq_pooling_type ?? pooler.pooling_type
  return {
    pooling: typeof type === 'string' ? poolings[type] : undefined,
    ...(pooler.task === 'token_embed' && { lateInteraction: true }),
    ...(pooler.task === 'embed' && { lateInteraction: false }),
  }
}

const tasks = new Map<string, Settings['convert']>([
  ['auto', 'auto'],
  ['embed', 'embed'],
  ['embedding', 'embed'],
  ['token_embed', 'embed'],
  ['classify', 'classify'],
  ['score', 'classify'],
])

/** A key that would change the numbers is refused unless it says what is done anyway. */
function checkPoolerKey(key: string, value: unknown, say: (message: string) => void): void {
  if (key === 'task') return
  const pools = ['pooling_type', 'seq_pooling_type']
  const isKnownPooling = typeof value === 'string' && Object.hasOwn(poolings, value)
  if (pools.includes(key) ? isKnownPooling : key === 'use_activation' && value === true) return
  if (!pools.includes(key)) {
    say(`--pooler-config.${key} has no effect: it is settled by the checkpoint, or by a field of each request.`)
    return
  }
  throw new QvlError('USAGE', {
    what: `--pooler-config.${key} ${JSON.stringify(value)} is not something qvl does.`,
    why: `It pools by ${Object.keys(poolings).join(', ')}.`,
    do: 'Leave it out: the checkpoint says how its vectors are made.',
    param: '--pooler-config',
  })
}
