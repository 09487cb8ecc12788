// The flags of `qvl score` and `qvl embed` about what is read and written, as part of the table in flags.ts.

import type { CommandName, Flag } from './flag.js'

const score: readonly CommandName[] = ['score']
const embed: readonly CommandName[] = ['embed']
const lines: readonly CommandName[] = ['score', 'embed']

export const inputOutputFlags = [
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
    commands: lines,
  },
  {
    name: 'shard',
    type: 'string',
    value: 'I/N',
    group: 'Input and output',
    help: 'answer part I of N of the input, for jobs over N machines; -o out.jsonl writes out-0000I-of-0000N.jsonl',
    commands: lines,
    argvOnly: true,
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
  {
    name: 'strict',
    type: 'bool',
    group: 'Input and output',
    help: 'stop at the first line that fails',
    commands: lines,
  },
  {
    name: 'resume',
    type: 'bool',
    group: 'Input and output',
    help: 'continue a run that was cut; needs the same -o',
    commands: lines,
  },
  {
    name: 'explain',
    type: 'bool',
    group: 'Input and output',
    help: 'print the rendered prompt, token ids and logits in place of results',
    commands: lines,
  },
  {
    name: 'json',
    type: 'bool',
    group: 'Input and output',
    help: 'JSON lines also where a person would get text (--explain, terminals)',
    commands: lines,
  },
] as const satisfies readonly Flag[]
