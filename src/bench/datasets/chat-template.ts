// The chat template that comes with a tokenizer, for datasets whose prompts are a user's messages.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readOptionalJsonFile } from '../../checkpoint/json.js'
import { QvlError } from '../../errors.js'
import { compileTemplate, type JsonValue } from '../../text/jinja.js'
import { isRecord } from './rows.js'

/** Renders one message of a user, with the variables of --chat-template-kwargs. */
export type ChatTemplate = (text: string, kwargs: Readonly<Record<string, unknown>>) => string

const templateFile = 'chat_template.jinja'
const configFile = 'tokenizer_config.json'
const tokenNames = ['bos_token', 'eos_token', 'unk_token', 'sep_token', 'pad_token', 'cls_token', 'mask_token']

/** As transformers looks for it: chat_template.jinja, else the field of tokenizer_config.json. Throws TEMPLATE_INVALID. */
export async function readTokenizerTemplate(dir: string): Promise<ChatTemplate> {
  const config = await readOptionalJsonFile(join(dir, configFile), {
    what: 'the configuration of the tokenizer',
    code: 'TOKENIZER_INVALID',
  })
  const fields = isRecord(config) ? config : {}
  const file = await readTemplateFile(join(dir, templateFile))
  const source = file ?? templateField(fields.chat_template)
  if (source === undefined) return () => noTemplate()
  const name = join(dir, file === undefined ? configFile : templateFile)
  const tokens = specialTokens(fields)
  let compiled: ReturnType<typeof compileTemplate> | undefined
  return (text, kwargs) => {
    compiled ??= compileTemplate(source, { name })
    return compiled.render({
      messages: [{ role: 'user', content: text }],
      tools: null,
      documents: null,
      ...tokens,
      ...jsonFields(kwargs),
      add_generation_prompt: true,
    })
  }
}

async function readTemplateFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new QvlError('TEMPLATE_INVALID', {
      what: `The template ${path} cannot be used.`,
      why: 'The file cannot be read.',
      do: 'Check its permissions, or pass --skip-chat-template.',
      cause: error,
    })
  }
}

/** A template, or a list of named ones of which `default` is meant. */
function templateField(field: unknown): string | undefined {
  if (typeof field === 'string') return field
  const named: unknown[] = Array.isArray(field) ? field : []
  const chosen = named.find((each) => isRecord(each) && each.name === 'default')
  return isRecord(chosen) && typeof chosen.template === 'string' ? chosen.template : undefined
}

/** Each is a string, or an object that has it as `content`. */
function specialTokens(config: Readonly<Record<string, unknown>>): Record<string, JsonValue> {
  const tokens: Record<string, JsonValue> = {}
  for (const name of tokenNames) {
    const token = config[name]
    const text = isRecord(token) ? token.content : token
    if (typeof text === 'string') tokens[name] = text
  }
  return tokens
}

/** What came from JSON is JSON; a copy proves it to the compiler and to the template engine. */
function jsonFields(kwargs: Readonly<Record<string, unknown>>): Record<string, JsonValue> {
  const copy: Record<string, JsonValue> = JSON.parse(JSON.stringify(kwargs))
  return copy
}

function noTemplate(): never {
  throw new QvlError('USAGE', {
    what: 'The tokenizer has no chat template.',
    why: `Prompts of this dataset are sent as a chat template writes them, and there is no ${templateFile}.`,
    do: 'Pass --skip-chat-template to send the prompts as they are.',
    param: '--skip-chat-template',
  })
}
