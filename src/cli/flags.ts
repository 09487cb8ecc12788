// The flag table: command-line options, QVL_* variables, config-file keys and help all come from it.

import type { CommandName, Flag } from './flag.js'

const score: readonly CommandName[] = ['score']
const embed: readonly CommandName[] = ['embed']

/** Bounds that only keep a typing mistake from becoming an allocation; the model's own limits are checked later. */
const maxTokens = 2 ** 24
const maxThreads = 1024

const inputAndOutput = [
  {
    name: 'query',
    type: 'string',
    value: 'TEXT',
    group: 'Input and output',
    help: 'score one query given here instead of a file',
    commands: score,
    argvOnly: true,
  },
  {
    name: 'document',
    type: 'list',
    value: 'TEXT',
    group: 'Input and output',
    help: 'a document for --query; repeat it for more',
    commands: score,
    argvOnly: true,
  },
  {
    name: 'text',
    type: 'list',
    value: 'TEXT',
    group: 'Input and output',
    help: 'embed this text instead of a file; repeat it for more',
    commands: embed,
    argvOnly: true,
  },
  {
    name: 'output',
    short: 'o',
    type: 'string',
    value: 'FILE',
    group: 'Input and output',
    help: 'write results here; - or nothing is stdout',
  },
  {
    name: 'top-n',
    type: 'int',
    min: 0,
    max: 2 ** 31,
    value: 'N',
    group: 'Input and output',
    help: 'keep the best N documents of each query; 0 keeps all',
    commands: score,
  },
  {
    name: 'encoding-format',
    type: 'choice',
    choices: ['float', 'base64'],
    default: 'float',
    group: 'Input and output',
    help: 'vectors as numbers or as base64 of little-endian float32',
    commands: embed,
  },
  {
    name: 'format',
    type: 'choice',
    choices: ['jsonl', 'npy'],
    default: 'jsonl',
    group: 'Input and output',
    help: 'JSON lines, or one NumPy array [lines, width] of float32 (needs -o)',
    commands: embed,
  },
  { name: 'strict', type: 'bool', group: 'Input and output', help: 'stop at the first line that fails' },
  { name: 'resume', type: 'bool', group: 'Input and output', help: 'continue a run that was cut; needs the same -o' },
  {
    name: 'explain',
    type: 'bool',
    group: 'Input and output',
    help: 'print the rendered prompt, token ids and logits in place of results',
  },
  {
    name: 'json',
    type: 'bool',
    group: 'Input and output',
    help: 'JSON lines also where a person would get text (--explain, terminals)',
  },
] as const satisfies readonly Flag[]

const model = [
  {
    name: 'model',
    short: 'm',
    type: 'string',
    value: 'MODEL',
    group: 'Model',
    help: 'a checkpoint folder or a Hugging Face id',
  },
  { name: 'revision', type: 'string', value: 'REV', orNone: true, group: 'Model', help: 'branch, tag or commit' },
  {
    name: 'download-dir',
    type: 'string',
    value: 'DIR',
    orNone: true,
    group: 'Model',
    help: 'keep downloads here instead of the Hugging Face cache',
  },
  {
    name: 'device',
    type: 'choice',
    choices: ['auto', 'ort', 'reference'],
    default: 'auto',
    group: 'Model',
    help: 'ort is ONNX Runtime; reference is slow and exact',
  },
  { name: 'threads', type: 'int', min: 1, max: maxThreads, value: 'N', group: 'Model', help: 'CPU threads' },
  {
    name: 'dtype',
    type: 'choice',
    choices: ['auto', 'float32', 'float', 'bfloat16', 'float16', 'half'],
    default: 'auto',
    value: 'TYPE',
    group: 'Model',
    help: 'auto or float32: the devices here compute in float32',
  },
  {
    name: 'max-model-len',
    type: 'human-int',
    min: 1,
    max: maxTokens,
    value: 'N',
    orNone: true,
    group: 'Model',
    help: 'longest prompt in tokens, such as 8192, 8K or auto',
  },
  {
    name: 'max-num-batched-tokens',
    type: 'human-int',
    min: 1,
    max: maxTokens,
    value: 'N',
    orNone: true,
    group: 'Model',
    help: 'tokens computed in one batch; fewer need less memory',
  },
  {
    name: 'hf-overrides',
    type: 'json',
    value: 'JSON',
    orNone: true,
    group: 'Model',
    help: 'merged into config.json; also --hf-overrides.key value',
  },
  {
    name: 'convert',
    type: 'choice',
    choices: ['auto', 'embed', 'classify'],
    default: 'auto',
    group: 'Model',
    help: 'what the checkpoint is, when its content does not settle it',
  },
  {
    name: 'runner',
    type: 'choice',
    choices: ['auto', 'pooling', 'generate', 'draft'],
    default: 'auto',
    value: 'RUNNER',
    group: 'Model',
    help: 'auto or pooling; accepted for vLLM command lines',
  },
] as const satisfies readonly Flag[]

const prompt = [
  {
    name: 'instruction',
    type: 'string',
    value: 'TEXT',
    group: 'Prompt',
    help: 'task description for lines that bring none',
  },
  {
    name: 'chat-template',
    type: 'string',
    value: 'FILE|TEXT',
    orNone: true,
    group: 'Prompt',
    help: 'a Jinja template for pairs instead of the official format',
  },
  {
    name: 'dimensions',
    type: 'int',
    min: 1,
    max: 2 ** 20,
    value: 'N',
    group: 'Prompt',
    help: 'keep the first N components (Matryoshka models)',
    commands: embed,
  },
  {
    name: 'truncate-prompt-tokens',
    type: 'int',
    min: -1,
    max: maxTokens,
    value: 'N',
    orNone: true,
    group: 'Prompt',
    help: 'cut longer prompts instead of refusing them; -1 cuts at the limit',
  },
  {
    name: 'special-tokens-in-text',
    type: 'choice',
    choices: ['literal', 'parse'],
    default: 'literal',
    group: 'Prompt',
    help: 'what a string such as <|im_end|> inside a text is',
  },
] as const satisfies readonly Flag[]

const messages = [
  { name: 'quiet', short: 'q', type: 'bool', group: 'Messages', help: 'only warnings and errors' },
  { name: 'verbose', short: 'v', type: 'bool', group: 'Messages', help: 'also say what is loaded and how' },
  { name: 'debug', type: 'bool', group: 'Messages', help: 'stack traces with errors' },
  { name: 'color', type: 'bool', default: true, group: 'Messages', help: 'no colours (also NO_COLOR)' },
  { name: 'progress', type: 'bool', default: true, group: 'Messages', help: 'no progress' },
  {
    name: 'config',
    type: 'string',
    value: 'FILE',
    group: 'Messages',
    help: 'flags from a YAML file; by default ~/.config/qvl/config.yaml',
  },
  { name: 'help', short: 'h', type: 'bool', group: 'Messages', help: 'this help', argvOnly: true },
  { name: 'version', type: 'bool', group: 'Messages', help: 'the version of qvl', argvOnly: true },
] as const satisfies readonly Flag[]

const oneProcess = 'qvl runs a model in one process'
const noGpuPlan = 'qvl plans its memory from --max-num-batched-tokens'

/** vLLM flags that copied command lines bring along. */
const withoutEffect = [
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
  ignored('enable-prefix-caching', 'bool', 'prefixes shared within a batch are always computed once'),
  ignored('enable-chunked-prefill', 'bool', 'batches are bounded by --max-num-batched-tokens'),
  ignored('load-format', 'string', 'checkpoints are read as safetensors'),
  ignored('tokenizer-mode', 'string', 'there is one tokenizer'),
  ignored('seed', 'string', 'nothing here is random'),
  ignored('task', 'string', 'the command says it: qvl score or qvl embed'),
  ignored('disable-log-stats', 'bool', 'see --quiet'),
  ignored('disable-log-requests', 'bool', 'requests are not logged'),
] as const satisfies readonly Flag[]

export const flags = [...inputAndOutput, ...model, ...prompt, ...messages, ...withoutEffect] as const

function ignored<Name extends string>(name: Name, type: 'bool' | 'string', noEffect: string, short?: string) {
  const group = 'Messages' as const
  return { name, type, group, help: noEffect, noEffect, ...(short !== undefined && { short }) }
}
