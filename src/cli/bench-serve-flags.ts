// The flags of qvl bench serve, named as vLLM's, as part of the table in flags.ts.

import { backendNames } from '../bench/backends.js'
import { defaultTimeoutSec } from '../bench/limits.js'
import { benchServeDataFlags } from './bench-serve-data-flags.js'
import { benchServeIgnoredFlags } from './bench-serve-ignored-flags.js'
import type { CommandName, Flag } from './flag.js'
import { maxPrompts } from './flag-limits.js'

const commands: readonly CommandName[] = ['bench serve']
const count = { type: 'int', min: 0, max: maxPrompts, value: 'N', commands } as const
const text = { type: 'string', commands } as const
const yesNo = { type: 'bool', commands } as const

const target = [
  {
    name: 'backend',
    type: 'choice',
    choices: ['auto', ...backendNames],
    default: 'auto',
    value: 'BACKEND',
    group: 'Target',
    help: `${backendNames.slice(0, 6).join(', ')}...; auto follows the dataset`,
    commands,
  },
  { ...text, name: 'base-url', value: 'URL', group: 'Target', help: 'http://HOST:PORT or https://..., or unix:/PATH' },
  { ...text, name: 'host', value: 'HOST', group: 'Target', help: 'of the server (default 127.0.0.1)' },
  {
    name: 'port',
    type: 'int',
    min: 1,
    max: 65535,
    value: 'PORT',
    commands,
    group: 'Target',
    help: 'of the server (default 8000)',
  },
  {
    ...text,
    name: 'endpoint',
    value: 'PATH',
    group: 'Target',
    help: 'such as /v1/rerank; by default that of the backend',
  },
  {
    name: 'header',
    type: 'list',
    many: true,
    value: 'KEY=VALUE',
    commands,
    group: 'Target',
    help: 'sent with every request; OPENAI_API_KEY becomes a bearer token by itself',
  },
  { ...yesNo, name: 'insecure', group: 'Target', help: 'accept any TLS certificate' },
  {
    ...text,
    type: 'list',
    name: 'served-model-name',
    value: 'NAME',
    group: 'Target',
    help: 'the model field, when not --model',
  },
  {
    ...text,
    name: 'tokenizer',
    value: 'MODEL',
    group: 'Target',
    help: 'makes the prompts (default: that of the model)',
  },
  {
    ...yesNo,
    name: 'skip-tokenizer-init',
    group: 'Target',
    help: 'open no tokenizer; for --dataset-name custom with texts as they are',
  },
  {
    name: 'extra-body',
    type: 'json',
    value: 'JSON',
    orNone: true,
    commands,
    group: 'Target',
    help: 'merged into every request; also --extra-body.key value',
  },
  { ...text, name: 'request-id-prefix', value: 'TEXT', group: 'Target', help: 'of x-request-id (default bench-HEX-)' },
  {
    name: 'request-timeout',
    type: 'number',
    min: 0.001,
    max: 1e6,
    value: 'S',
    commands,
    group: 'Target',
    help: `a request without its whole answer after S seconds has failed (default ${defaultTimeoutSec})`,
  },
] as const satisfies readonly Flag[]

const load = [
  { ...count, min: -1, name: 'num-prompts', group: 'Load', help: 'prompts of the run (default 1000)' },
  {
    name: 'request-rate',
    type: 'number',
    min: 1e-6,
    max: Number.POSITIVE_INFINITY,
    value: 'R',
    commands,
    group: 'Load',
    help: 'requests a second; inf (default) sends all at once',
  },
  {
    name: 'burstiness',
    type: 'number',
    min: 1e-6,
    max: Number.POSITIVE_INFINITY,
    value: 'B',
    commands,
    group: 'Load',
    help: '1 (default) is a Poisson process, less comes in bursts, inf is even',
  },
  { ...count, min: 1, name: 'max-concurrency', group: 'Load', help: 'requests under way at most' },
  {
    name: 'ramp-up-strategy',
    type: 'choice',
    choices: ['none', 'linear', 'exponential'],
    default: 'none',
    commands,
    group: 'Load',
    help: 'how the rate grows from start to end',
  },
  { ...count, name: 'ramp-up-start-rps', group: 'Load', help: 'requests a second at the start' },
  { ...count, name: 'ramp-up-end-rps', group: 'Load', help: 'requests a second at the end' },
  { ...count, name: 'num-warmups', group: 'Load', help: 'copies of the first request sent before the run (default 0)' },
  {
    ...count,
    name: 'ready-check-timeout-sec',
    value: 'S',
    group: 'Load',
    help: 'wait this long for the server (default 0)',
  },
] as const satisfies readonly Flag[]

const report = [
  {
    ...text,
    name: 'percentile-metrics',
    value: 'NAMES',
    group: 'Report',
    help: 'e2el (default), the one of these servers',
  },
  { ...text, name: 'metric-percentiles', value: 'LIST', group: 'Report', help: 'such as 50,90,99.9 (default 99)' },
  {
    name: 'goodput',
    type: 'list',
    many: true,
    value: 'NAME:MS',
    commands,
    group: 'Report',
    help: 'count requests within limits, such as e2el:500',
  },
  { ...yesNo, name: 'save-result', group: 'Report', help: "write the result as JSON, with vLLM's keys" },
  { ...yesNo, name: 'save-detailed', group: 'Report', help: 'with a latency, a start time and an error per request' },
  { ...yesNo, name: 'append-result', group: 'Report', help: 'add the result to the file instead of replacing it' },
  { ...text, name: 'result-dir', value: 'DIR', group: 'Report', help: 'where results go; made when missing' },
  {
    ...text,
    name: 'result-filename',
    value: 'FILE',
    group: 'Report',
    help: 'instead of a name of backend, rate, model and time',
  },
  { ...text, name: 'label', value: 'TEXT', group: 'Report', help: 'begins the file name instead of the backend' },
  {
    name: 'metadata',
    type: 'list',
    many: true,
    value: 'KEY=VALUE',
    commands,
    group: 'Report',
    help: 'kept in the result',
  },
  { ...text, name: 'plot', value: 'FILE', group: 'Report', help: 'write a page of charts (HTML)' },
  { ...yesNo, name: 'plot-timeline', group: 'Report', help: 'the page, beside the result file' },
  { ...yesNo, name: 'allow-failures', group: 'Report', help: 'exit code 0 also when requests failed' },
  { ...yesNo, name: 'disable-tqdm', group: 'Report', help: 'no progress' },
] as const satisfies readonly Flag[]

export const benchServeFlags = [
  ...target,
  ...load,
  ...benchServeDataFlags,
  ...report,
  ...benchServeIgnoredFlags,
] as const
