// vLLM flags that copied command lines bring along and that do nothing here, as part of the table in flags.ts.

import type { Flag } from './flag.js'

const oneProcess = 'qvl runs a model in one process'
const noGpuPlan = 'qvl plans its memory from --max-num-batched-tokens'

export const ignoredFlags = [
  ignored('trust-remote-code', 'bool', 'qvl never runs code from a checkpoint'),
  ignored('tensor-parallel-size', 'string', oneProcess, 'tp'),
  ignored('pipeline-parallel-size', 'string', oneProcess, 'pp'),
  ignored('data-parallel-size', 'string', oneProcess, 'dp'),
  ignored('distributed-executor-backend', 'string', oneProcess),
  ignored('gpu-memory-utilization', 'string', noGpuPlan),
  ignored('kv-cache-memory-bytes', 'string', noGpuPlan),
  ignored('kv-cache-dtype', 'string', 'qvl keeps no key-value cache between batches'),
  ignored('block-size', 'string', 'qvl keeps no key-value cache between batches'),
  ignored('swap-space', 'string', noGpuPlan),
  ignored('cpu-offload-gb', 'string', noGpuPlan),
  ignored('max-num-seqs', 'string', 'batches are bounded by --max-num-batched-tokens'),
  ignored('enforce-eager', 'bool', 'there are no captured graphs to avoid'),
  ignored('compilation-config', 'string', 'there is no compiler to configure'),
  ignored('enable-chunked-prefill', 'bool', 'batches are bounded by --max-num-batched-tokens'),
  ignored('load-format', 'string', 'checkpoints are read as safetensors'),
  ignored('tokenizer-mode', 'string', 'there is one tokenizer'),
  ignored('task', 'string', 'the command says it: qvl score or qvl embed'),
  ignored('disable-log-stats', 'bool', 'see --quiet'),
  ignored('disable-log-requests', 'bool', 'requests are not logged'),
] as const satisfies readonly Flag[]

function ignored<Name extends string>(name: Name, type: 'bool' | 'string', noEffect: string, short?: string) {
  const group = 'Messages' as const
  return { name, type, group, help: noEffect, noEffect, ...(short !== undefined && { short }) }
}
