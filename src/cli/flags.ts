// The flag table: command-line options, QVL_* variables, config-file keys and help all come from it. A name stands twice
// where two commands give it other defaults; its values are of one type.

import { benchServeFlags } from './bench-serve-flags.js'
import { benchmarkFlags } from './benchmark-flags.js'
import { compileFlags } from './compile-flags.js'
import { doctorFlags } from './doctor-flags.js'
import { type CommandName, type Flag, modelCommandNames, modelsCommandNames } from './flag.js'
import { maxThreads, maxTokens } from './flag-limits.js'
import { ignoredFlags } from './ignored-flags.js'
import { inputOutputFlags } from './input-output-flags.js'
import { mediaFlags } from './media-flags.js'
import { modelsFlags } from './models-flags.js'
import { serveFlags } from './serve-flags.js'
import { ignoredServeFlags } from './serve-ignored-flags.js'
import { limitFlags } from './serve-limit-flags.js'
import { topFlags } from './top-flags.js'
import { upstreamFlags } from './upstream-flags.js'

const embed: readonly CommandName[] = ['embed']
const lines: readonly CommandName[] = ['score', 'embed']
/** Commands that make prompts. */
const prompting: readonly CommandName[] = [...lines, 'serve']
/** Commands that make vectors. */
const embedding: readonly CommandName[] = ['embed', 'serve']
/** Commands that name one model. */
const modelling: readonly CommandName[] = [...modelCommandNames, 'bench serve']
/** Commands that compute here. */
const computing: readonly CommandName[] = modelCommandNames
/** Commands that decide what is computed. */
const deciding: readonly CommandName[] = [...computing, 'compile']

const model = [
  {
    name: 'model',
    short: 'm',
    type: 'string',
    value: 'MODEL',
    group: 'Model',
    help: 'a checkpoint folder or a Hugging Face id',
    commands: [...modelling, 'compile'],
  },
  {
    name: 'revision',
    type: 'string',
    value: 'REV',
    orNone: true,
    group: 'Model',
    help: 'branch, tag or commit',
    commands: [...modelling, 'models pull', 'models remove', 'models verify', 'compile'],
  },
  {
    name: 'download-dir',
    type: 'string',
    value: 'DIR',
    orNone: true,
    group: 'Model',
    help: 'keep downloads here instead of the Hugging Face cache',
    commands: [...modelling, ...modelsCommandNames, 'compile', 'doctor', 'completion'],
  },
  {
    name: 'device',
    type: 'choice',
    choices: ['auto', 'cpu', 'ort', 'npu', 'reference'],
    default: 'auto',
    group: 'Model',
    help: 'npu is Ascend; ort is ONNX Runtime, used where the cpu device is not built; reference is slow and exact',
    commands: [...deciding, 'doctor'],
  },
  {
    name: 'threads',
    type: 'int',
    min: 1,
    max: maxThreads,
    value: 'N',
    group: 'Model',
    help: 'CPU threads',
    commands: computing,
  },
  {
    name: 'dtype',
    type: 'choice',
    choices: ['auto', 'float32', 'float', 'bfloat16', 'float16', 'half'],
    default: 'auto',
    value: 'TYPE',
    group: 'Model',
    help: 'of matrix products: float32, bfloat16, float16 (npu), or auto: as stored, and float16 on npu',
    commands: deciding,
  },
  {
    name: 'quantization',
    type: 'choice',
    choices: ['none', 'int8'],
    default: 'none',
    orNone: true,
    group: 'Model',
    help: 'int8 is faster and less exact (cpu)',
    commands: computing,
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
    commands: [...prompting, 'compile'],
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
    commands: computing,
  },
  {
    name: 'enable-prefix-caching',
    type: 'bool',
    default: true,
    group: 'Model',
    help: 'compute what several prompts begin with for each of them',
    commands: computing,
  },
  {
    name: 'hf-overrides',
    type: 'json',
    value: 'JSON',
    orNone: true,
    group: 'Model',
    help: 'merged into config.json; also --hf-overrides.key value',
    commands: deciding,
  },
  {
    name: 'convert',
    type: 'choice',
    choices: ['auto', 'none', 'embed', 'classify'],
    default: 'auto',
    group: 'Model',
    help: 'what the checkpoint is, when its content does not settle it',
    commands: [...prompting, 'compile'],
  },
  {
    name: 'runner',
    type: 'choice',
    choices: ['auto', 'pooling', 'generate', 'draft'],
    default: 'auto',
    value: 'RUNNER',
    group: 'Model',
    help: 'auto or pooling; accepted for vLLM command lines',
    commands: computing,
  },
] as const satisfies readonly Flag[]

const prompt = [
  {
    name: 'instruction',
    type: 'string',
    value: 'TEXT',
    group: 'Prompt',
    help: 'task description for lines that bring none',
    commands: lines,
  },
  {
    name: 'default-prompt',
    type: 'string',
    value: 'NAME',
    orNone: true,
    group: 'Prompt',
    help: "the prompt of texts that name none: query, document, or one of the checkpoint's own",
    commands: embedding,
  },
  {
    name: 'chat-template',
    type: 'string',
    value: 'FILE|TEXT',
    orNone: true,
    group: 'Prompt',
    help: 'a Jinja template for pairs instead of the official format',
    commands: prompting,
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
    commands: lines,
  },
  {
    name: 'special-tokens-in-text',
    type: 'choice',
    choices: ['literal', 'parse'],
    default: 'literal',
    group: 'Prompt',
    help: 'what a string such as <|im_end|> inside a text is',
    commands: prompting,
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

export const flags = [
  ...inputOutputFlags,
  ...modelsFlags,
  ...doctorFlags,
  ...compileFlags,
  ...benchmarkFlags,
  ...benchServeFlags,
  ...serveFlags,
  ...topFlags,
  ...model,
  ...upstreamFlags,
  ...prompt,
  ...mediaFlags,
  ...limitFlags,
  ...messages,
  ...ignoredFlags,
  ...ignoredServeFlags,
] as const
