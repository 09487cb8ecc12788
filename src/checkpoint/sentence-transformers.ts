// What sentence-transformers keeps beside a model: its modules, how to pool, its prompts and its limits.

import { join } from 'node:path'
import { QvlError } from '../errors.js'
import { positionRange } from './config-limits.js'
import { Fields } from './fields.js'
import { readJsonFile, readOptionalJsonFile } from './json.js'
import { type PoolingConfig, parsePooling } from './pooling-config.js'
import { quoteName } from './quote-name.js'

export type { PoolingConfig, PoolingMode } from './pooling-config.js'

/** Names of the file of limits: older versions called it after the model. */
export const limitsNames = [
  'sentence_bert_config.json',
  'sentence_roberta_config.json',
  'sentence_xlm-roberta_config.json',
] as const

const moduleKinds = {
  Transformer: 'transformer',
  Pooling: 'pooling',
  Normalize: 'normalize',
  Dense: 'dense',
  LogitScore: 'logitScore',
  // The name LogitScore had before its release.
  CausalScoreHead: 'logitScore',
} as const

export type ModuleKind = (typeof moduleKinds)[keyof typeof moduleKinds]

export interface SentenceModule {
  kind: ModuleKind
  /** Name of its folder in the checkpoint; empty for the checkpoint's own. */
  path: string
}

/** The tokens whose logits a reranker compares: the score is true minus false. Published files have lacked the ids. */
export interface LogitScoreConfig {
  trueTokenId: number | undefined
  falseTokenId: number | undefined
}

/** Each part is undefined where its file is absent. */
export interface SentenceTransformers {
  /** In the order they run. */
  modules: readonly SentenceModule[] | undefined
  pooling: PoolingConfig | undefined
  logitScore: LogitScoreConfig | undefined
  prompts: PromptsConfig | undefined
  limits: SentenceLimits | undefined
}

export interface PromptsConfig {
  /** Text to put before an input, by name. */
  prompts: ReadonlyMap<string, string>
  defaultPromptName: string | undefined
  similarity: string | undefined
}

export interface SentenceLimits {
  maxSeqLength: number | undefined
  doLowerCase: boolean
}

/** Undefined where the folder has none of the files. */
export async function readSentenceTransformers(dir: string): Promise<SentenceTransformers | undefined> {
  const modules = await readModules(dir)
  const prompts = await readOptionalFields(dir, 'config_sentence_transformers.json')
  const limits = await readLimits(dir)
  if (modules === undefined && prompts === undefined && limits === undefined) return undefined

  const pooling = modules?.find(({ kind }) => kind === 'pooling')
  const logitScore = modules?.find(({ kind }) => kind === 'logitScore')
  return {
    modules,
    pooling: pooling && parsePooling(await readFields(dir, join(pooling.path, 'config.json'))),
    logitScore: logitScore && parseLogitScore(await readFields(dir, join(logitScore.path, 'config.json'))),
    prompts: prompts && parsePrompts(prompts),
    limits: limits && parseLimits(limits),
  }
}

async function readLimits(dir: string): Promise<Fields | undefined> {
  for (const name of limitsNames) {
    const fields = await readOptionalFields(dir, name)
    if (fields !== undefined) return fields
  }
  return undefined
}

async function readModules(dir: string): Promise<SentenceModule[] | undefined> {
  const file = join(dir, 'modules.json')
  const raw = await readOptionalJsonFile(file, jsonOptions)
  if (raw === undefined) return undefined
  if (!Array.isArray(raw)) throw invalidModules(file, 'It is not a list.')
  return raw.map((value: unknown, i) =>
    parseModule(new Fields(value, { file, code: 'CONFIG_INVALID' }, `[${i}]`), file),
  )
}

function parseModule(fields: Fields, file: string): SentenceModule {
  const type = fields.string('type')
  // The packages have moved between versions; the class names have not.
  const name = type.slice(type.lastIndexOf('.') + 1)
  if (!isModuleName(name)) throw fields.unsupported('type', Object.keys(moduleKinds).join(', '))
  const kind = moduleKinds[name]
  const path = fields.optionalString('path') ?? ''
  if (path !== '' && !/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(path)) {
    throw invalidModules(file, `The path ${quoteName(path)} is not the plain name of a folder.`)
  }
  if (kind === 'transformer' && path !== '') throw fields.unsupported('path', 'a transformer in the top folder')
  return { kind, path }
}

function isModuleName(name: string): name is keyof typeof moduleKinds {
  return Object.hasOwn(moduleKinds, name)
}

function parseLogitScore(fields: Fields): LogitScoreConfig {
  const range = { min: 0, max: 2 ** 31 - 1 }
  return {
    trueTokenId: fields.optionalInt('true_token_id', range),
    falseTokenId: fields.optionalInt('false_token_id', range),
  }
}

function parsePrompts(fields: Fields): PromptsConfig {
  const named = fields.optionalObject('prompts')
  const prompts = new Map(named?.names().map((name) => [name, named.string(name)]))
  const defaultPromptName = fields.optionalString('default_prompt_name')
  if (defaultPromptName !== undefined && !prompts.has(defaultPromptName)) {
    throw fields.invalid('default_prompt_name', 'the name of one of the prompts')
  }
  return { prompts, defaultPromptName, similarity: fields.optionalString('similarity_fn_name') }
}

function parseLimits(fields: Fields): SentenceLimits {
  return {
    maxSeqLength: fields.optionalInt('max_seq_length', positionRange),
    doLowerCase: fields.optionalBoolean('do_lower_case') ?? false,
  }
}

const jsonOptions = { what: 'settings of sentence-transformers', code: 'CONFIG_INVALID' } as const

async function readFields(dir: string, name: string): Promise<Fields> {
  const file = join(dir, name)
  return new Fields(await readJsonFile(file, jsonOptions), { file, code: 'CONFIG_INVALID' })
}

async function readOptionalFields(dir: string, name: string): Promise<Fields | undefined> {
  const file = join(dir, name)
  const raw = await readOptionalJsonFile(file, jsonOptions)
  return raw === undefined ? undefined : new Fields(raw, { file, code: 'CONFIG_INVALID' })
}

function invalidModules(file: string, why: string): QvlError {
  return new QvlError('CONFIG_INVALID', {
    what: `${file} is not a valid list of modules.`,
    why,
    do: 'Download the checkpoint again, or correct the file.',
  })
}
