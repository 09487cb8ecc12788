// Finds a checkpoint's chat template and the special tokens that it may name.

import { join } from 'node:path'
import { isJsonObject, type JsonObject } from '../checkpoint/fields.js'
import { isMissing, openRegularFile, readFully } from '../checkpoint/file-bytes.js'
import { readOptionalJsonFile } from '../checkpoint/json.js'
import { QvlError } from '../errors.js'

export interface ChatTemplateFiles {
  /** The file the template is from. */
  name: string
  source: string
  /** By variable name, such as `eos_token`. */
  specialTokens: Readonly<Record<string, string>>
}

/** The largest published templates have about 20 kB. */
const maxTemplateBytes = 1024 * 1024

const tokenNames = ['bos_token', 'eos_token', 'pad_token', 'unk_token', 'sep_token', 'cls_token', 'mask_token']

/**
 * In the order of transformers: chat_template.jinja, chat_template.json, tokenizer_config.json. Undefined where there is
 * none. Throws TEMPLATE_INVALID or TOKENIZER_INVALID for a file that cannot be read.
 */
export async function readChatTemplateFiles(dir: string): Promise<ChatTemplateFiles | undefined> {
  const config = await readObject(join(dir, 'tokenizer_config.json'), 'TOKENIZER_INVALID')
  const jinja = join(dir, 'chat_template.jinja')
  const json = join(dir, 'chat_template.json')
  const found =
    named('chat_template.jinja', await readText(jinja)) ??
    named('chat_template.json', templateOf(await readObject(json, 'TEMPLATE_INVALID'))) ??
    named('tokenizer_config.json', templateOf(config))
  return found && { ...found, specialTokens: specialTokensOf(config) }
}

const named = (name: string, source: string | undefined) => (source === undefined ? undefined : { name, source })

/** A template, or the one called `default` of a list of them. */
function templateOf({ chat_template: template }: JsonObject): string | undefined {
  if (typeof template === 'string') return template
  if (!Array.isArray(template)) return undefined
  const entries = template.filter(isJsonObject)
  const chosen = entries.find(({ name }) => name === 'default')?.template
  return typeof chosen === 'string' ? chosen : undefined
}

/** A token is written as its text, or as an object with its `content`. */
function specialTokensOf(config: JsonObject): Record<string, string> {
  return Object.fromEntries(
    tokenNames.flatMap((name) => {
      const value = config[name]
      const text = isJsonObject(value) ? value.content : value
      return typeof text === 'string' ? [[name, text]] : []
    }),
  )
}

async function readObject(path: string, code: 'TEMPLATE_INVALID' | 'TOKENIZER_INVALID'): Promise<JsonObject> {
  const value = await readOptionalJsonFile(path, { what: 'a description of a tokenizer', code })
  return isJsonObject(value) ? value : {}
}

async function readText(path: string): Promise<string | undefined> {
  try {
    await using file = await openRegularFile(path)
    if (file.size > maxTemplateBytes)
      throw unusable(path, `It has ${file.size} bytes; the limit is ${maxTemplateBytes}.`)
    const bytes = new Uint8Array(file.size)
    await readFully(file.handle, path, bytes, 0)
    return decode(bytes, path)
  } catch (error) {
    if (error instanceof QvlError && isMissing(error.details.cause)) return undefined
    throw error
  }
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw unusable(path, 'It is not valid UTF-8.', cause)
  }
}

function unusable(path: string, why: string, cause?: unknown): QvlError {
  return new QvlError('TEMPLATE_INVALID', {
    what: `The chat template ${path} cannot be used.`,
    why,
    do: 'Download the file again, or correct it.',
    cause,
  })
}
