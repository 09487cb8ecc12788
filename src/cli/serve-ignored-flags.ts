// Flags of `vllm serve` that are accepted by `qvl serve` and do nothing, as part of the table in flags.ts.

import type { CommandName, Flag } from './flag.js'

const commands: readonly CommandName[] = ['serve']

const oneProcess = 'qvl runs a model in one process'
const noPlugins = 'qvl loads no code from elsewhere'
const noGraphs = 'there is no compiler and there are no captured graphs'
const noMultimodalTuning = 'media are processed as the checkpoint says'

export const ignoredServeFlags = [
  ignored('disable-frontend-multiprocessing', 'bool', oneProcess),
  ignored('data-parallel-backend', 'string', oneProcess),
  ignored('async-scheduling', 'bool', 'batches are always packed while the one before them runs'),
  ignored('kv-transfer-config', 'string', 'kept prefixes stay in this process'),
  ignored('attention-backend', 'string', 'each device has one attention'),
  ignored('model-impl', 'string', 'each architecture has one implementation'),
  ignored('generation-config', 'string', 'no text is generated'),
  ignored('tokenizer-revision', 'string', 'the tokenizer of the checkpoint is used'),
  ignored('code-revision', 'string', 'qvl never runs code from a checkpoint'),
  ignored('api-server-count', 'string', oneProcess, 'asc'),
  ignored('enable-expert-parallel', 'bool', oneProcess),
  ignored('optimization-level', 'string', noGraphs, 'O'),
  { ...ignored('cudagraph-capture-sizes', 'list', noGraphs), many: true },
  ignored('additional-config', 'string', noGraphs),
  ignored('middleware', 'string', noPlugins),
  ignored('io-processor-plugin', 'string', noPlugins),
  ignored('enable-flash-late-interaction', 'bool', 'late interaction has one form here'),
  ignored('tokenizer', 'string', 'the tokenizer of the checkpoint is used'),
  ignored('hf-token', 'string', 'set HF_TOKEN in the environment instead'),
  ignored('quantization-config', 'string', 'see --quantization'),
  ignored('override-pooler-config', 'string', 'see --pooler-config'),
  ignored('chat-template-content-format', 'string', 'both formats are rendered'),
  ignored('default-chat-template-kwargs', 'string', 'no pooling route of vLLM uses it either'),
  ignored('mm-processor-cache-type', 'string', 'processed media are kept in one place'),
  ignored('mm-encoder-tp-mode', 'string', oneProcess),
  ignored('skip-mm-profiling', 'bool', 'nothing is profiled at the start'),
  ignored('interleave-mm-strings', 'bool', noMultimodalTuning),
  ignored('video-pruning-rate', 'string', noMultimodalTuning),
  ignored('enable-mm-embeds', 'bool', 'tensors from clients are never read'),
  ignored('enable-log-requests', 'bool', 'every request has a line in the log; its texts are never written'),
  ignored('max-log-len', 'string', 'texts of requests are never written to the log'),
  ignored('log-config-file', 'string', 'see --log-format and --uvicorn-log-level'),
  ignored('log-error-stack', 'bool', 'stacks of internal errors are always logged'),
  ignored('enable-request-id-headers', 'bool', 'every answer has X-Request-Id'),
  ignored('enable-server-load-tracking', 'bool', '/load always counts'),
  ignored('enable-tokenizer-info-endpoint', 'bool', 'there is no such endpoint'),
  ignored('enable-offline-docs', 'bool', '/docs never loads anything from elsewhere'),
  ignored('enable-ssl-refresh', 'bool', 'start the server again for a new certificate'),
  ignored('ssl-ciphers', 'string', "Node's list of ciphers is used"),
  ignored('h11-max-incomplete-event-size', 'string', 'headers may have 16 KiB'),
  ignored('h11-max-header-count', 'string', 'a request may have 256 headers'),
] as const satisfies readonly Flag[]

type Type = 'bool' | 'string' | 'list'

function ignored<Name extends string>(name: Name, type: Type, noEffect: string, short?: string) {
  const group = 'Messages' as const
  return { name, type, group, help: noEffect, noEffect, commands, ...(short !== undefined && { short }) }
}
