// The flags of qvl bench serve about what is sent, named as vLLM's, as part of the table in flags.ts.

import type { CommandName, Flag } from './flag.js'
import { maxPrompts, maxSeed, maxTokens } from './flag-limits.js'

const commands: readonly CommandName[] = ['bench serve']
const group = 'Data'
const tokens = { type: 'int', min: 0, max: maxTokens, value: 'N', group, commands } as const
const count = { type: 'int', min: 1, max: maxPrompts, value: 'N', group, commands } as const
const ratio = { type: 'number', min: 0, max: 0.999, value: 'R', group, commands } as const
const yesNo = { type: 'bool', group, commands } as const

export const benchServeDataFlags = [
  {
    name: 'dataset-name',
    type: 'choice',
    default: 'random',
    value: 'NAME',
    group,
    commands,
    choices: ['random', 'random-rerank', 'random-mm', 'custom', 'custom_image', 'sharegpt', 'prefix_repetition'],
    help: 'random, random-rerank, random-mm, custom, custom_image, sharegpt or prefix_repetition',
  },
  {
    name: 'dataset-path',
    type: 'string',
    value: 'FILE',
    group,
    commands,
    help: 'of custom, custom_image and sharegpt',
  },
  { ...count, name: 'seed', min: 0, max: maxSeed, help: 'of what is random (default 0)' },
  { ...tokens, name: 'random-input-len', help: 'tokens of a prompt, of query and document together (default 1024)' },
  { ...tokens, name: 'random-output-len', help: 'drawn to keep the draws of vLLM (default 128)' },
  {
    name: 'random-range-ratio',
    type: 'string',
    value: 'R',
    group,
    commands,
    help: 'lengths vary by this part of themselves (default 0); also {"input": R, "output": R}',
  },
  { ...tokens, name: 'random-prefix-len', help: 'tokens that all prompts begin with (default 0)' },
  { ...count, name: 'random-batch-size', help: 'prompts, or documents, of a request (default 1)' },
  { ...yesNo, name: 'reranker', default: true, help: 'a list of texts instead of a query with documents' },
  { ...yesNo, name: 'random-unique-queries', help: 'a new query for each request; one for all measures the cache' },
  { ...tokens, name: 'input-len', help: 'the input length of whatever dataset' },
  { ...tokens, name: 'output-len', help: 'the output length of whatever dataset' },
  { ...tokens, name: 'random-mm-base-items-per-request', help: 'images of a request (default 1)' },
  { ...ratio, name: 'random-mm-num-mm-items-range-ratio', help: 'their number varies by this part (default 0)' },
  {
    name: 'random-mm-limit-mm-per-prompt',
    type: 'string',
    value: 'JSON',
    group,
    commands,
    help: 'most of each kind, such as {"image": 3, "video": 0}',
  },
  {
    name: 'random-mm-bucket-config',
    type: 'string',
    value: 'DICT',
    group,
    commands,
    help: 'sizes with their shares, such as {(256, 256, 1): 0.5, (720, 1280, 1): 0.5}',
  },
  { ...yesNo, name: 'oversample', default: true, help: 'send no row of a file twice' },
  { ...yesNo, name: 'disable-shuffle', help: 'keep the order of the file' },
  { ...yesNo, name: 'skip-chat-template', help: 'send texts of a file as they are' },
  {
    name: 'chat-template-kwargs',
    type: 'json',
    value: 'JSON',
    group,
    commands,
    help: 'variables of the chat template',
  },
  { ...yesNo, name: 'custom-ensure-client-side-data', help: 'read images here and send them as data' },
  { ...tokens, name: 'sharegpt-output-len', help: 'counted instead of the length of the reply' },
  { ...tokens, name: 'prefix-repetition-prefix-len', help: 'tokens of a prefix (default 256)' },
  { ...tokens, name: 'prefix-repetition-suffix-len', help: 'tokens after it (default 256)' },
  { ...count, name: 'prefix-repetition-num-prefixes', help: 'different prefixes (default 10)' },
] as const satisfies readonly Flag[]
