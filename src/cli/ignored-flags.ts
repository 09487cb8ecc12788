// vLLM flags that copied command lines bring along and that do nothing in some commands or all, as part of the table in
// flags.ts.

import { type CommandName, type Flag, modelCommandNames } from './flag.js'
import { maxDevices } from './flag-limits.js'

const oneProcess = 'qvl runs a model in one process'
const serve: readonly CommandName[] = ['serve']
const noGpuPlan = 'qvl plans its memory from --max-num-batched-tokens'

export const ignoredFlags = [
  ignored('trust-remote-code', 'bool', 'qvl never runs code from a checkpoint'),
  ignored('tensor-parallel-size', 'string', oneProcess, 'tp'),
  ignored('pipeline-parallel-size', 'string', oneProcess, 'pp'),
  ignored('distributed-executor-backend', 'string', oneProcess),
  ignored('gpu-memory-utilization', 'string', noGpuPlan),
  ignored('kv-cache-dtype', 'string', 'kept prefixes are stored as they were computed'),
  ignored('block-size', 'string', 'kept prefixes are stored as they were computed'),
  ignored('swap-space', 'string', noGpuPlan),
  ignored('cpu-offload-gb', 'string', noGpuPlan),
  ignored('enforce-eager', 'bool', 'there are no captured graphs to avoid'),
  ignored('compilation-config', 'string', 'there is no compiler to configure'),
  ignored('enable-chunked-prefill', 'bool', 'batches are bounded by --max-num-batched-tokens'),
  ignored('load-format', 'string', 'checkpoints are read as safetensors'),
  ignored('tokenizer-mode', 'string', 'there is one tokenizer'),
  {
    name: 'data-parallel-size',
    short: 'dp',
    type: 'int',
    min: 1,
    max: maxDevices,
    value: 'N',
    group: 'Model',
    help: 'NPUs that serve one queue (default 1)',
    noEffect: 'nothing is computed here',
    effectIn: modelCommandNames,
  },
  {
    name: 'kv-cache-memory-bytes',
    type: 'human-int',
    min: 0,
    max: 2 ** 50,
    value: 'BYTES',
    group: 'Model',
    help: 'memory for prefixes kept from request to request; 0 keeps none (default: 1/16 of the memory, 1 GiB at most)',
    noEffect: 'nothing is kept from run to run',
    effectIn: serve,
  },
  {
    name: 'max-num-seqs',
    type: 'int',
    min: 1,
    max: 2 ** 20,
    value: 'N',
    group: 'Model',
    help: 'prompts computed in one batch',
    noEffect: 'batches are bounded by --max-num-batched-tokens',
    effectIn: serve,
  },
  {
    name: 'task',
    type: 'string',
    value: 'TASK',
    group: 'Model',
    help: 'the old form of --convert',
    noEffect: 'the command says it: qvl score or qvl embed',
    effectIn: serve,
  },
  {
    name: 'disable-log-stats',
    type: 'bool',
    group: 'Messages',
    help: 'no statistics in the log',
    noEffect: 'see --quiet',
    effectIn: serve,
  },
  {
    name: 'disable-log-requests',
    type: 'bool',
    group: 'Messages',
    help: 'no line for each request in the log',
    noEffect: 'requests are not logged',
    effectIn: serve,
  },
] as const satisfies readonly Flag[]

function ignored<Name extends string>(name: Name, type: 'bool' | 'string', noEffect: string, short?: string) {
  const group = 'Messages' as const
  return { name, type, group, help: noEffect, noEffect, ...(short !== undefined && { short }) }
}
