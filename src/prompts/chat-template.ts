// The checkpoint's own chat template: messages in, the text of a finished prompt out.

import { QvlError } from '../errors.js'
import { compileTemplate, type JsonValue, type Template } from '../text/jinja.js'
import type { ChatTemplateFiles } from './chat-template-files.js'
import type { Content } from './content.js'
import type { ReadSide } from './side.js'

export interface Message {
  role: string
  content: Content
}

export interface RenderOptions {
  addGenerationPrompt: boolean
  /** The prompt ends within the last message, which goes on. */
  continueFinalMessage: boolean
  /** In place of the checkpoint's. */
  chatTemplate?: string | undefined
  /** More variables for the template. */
  kwargs?: Readonly<Record<string, unknown>> | undefined
}

/** A variable of one of these names comes from qvl alone. */
const reservedNames = [
  'messages',
  'add_generation_prompt',
  'continue_final_message',
  'chat_template',
  'tools',
  'tokenize',
]

/** A private-use character, which no text needs, and a blank that shows whether the template trimmed what is before it. */
const endMark = '\u{F0000} '

export class ChatTemplate {
  readonly #files: ChatTemplateFiles | undefined
  readonly #side: ReadSide
  #compiled: Template | undefined

  /** `side` flattens the parts of a message. The template is compiled when it is first used. */
  constructor(files: ChatTemplateFiles | undefined, side: ReadSide) {
    this.#files = files
    this.#side = side
  }

  /** Throws TEMPLATE_INVALID, MEDIA_UNSUPPORTED, and REQUEST_INVALID for wrong options or where there is no template. */
  render(messages: readonly Message[], options: RenderOptions): string {
    const { addGenerationPrompt, continueFinalMessage, kwargs = {} } = options
    checkOptions(options)
    const flat = messages.map(({ role, content }, index) => ({
      role,
      content: this.#side(content, `messages[${index}].content`).text,
    }))
    const last = flat.at(-1)
    if (continueFinalMessage && last !== undefined) last.content += endMark
    const template = options.chatTemplate === undefined ? this.#own() : given(options.chatTemplate)
    const text = template.render({
      ...this.#files?.specialTokens,
      ...variables(kwargs),
      messages: flat,
      add_generation_prompt: addGenerationPrompt,
    })
    return continueFinalMessage ? upToMark(text) : text
  }

  #own(): Template {
    if (this.#files === undefined) {
      throw new QvlError('REQUEST_INVALID', {
        what: 'This model has no chat template.',
        why: 'The checkpoint has neither chat_template.jinja nor chat_template.json nor a chat_template in its tokenizer.',
        do: 'Send a plain text instead of messages.',
        param: 'messages',
      })
    }
    this.#compiled ??= compileTemplate(this.#files.source, { name: this.#files.name })
    return this.#compiled
  }
}

const given = (source: string): Template => compileTemplate(source, { name: 'chat_template' })

function checkOptions({ addGenerationPrompt, continueFinalMessage, kwargs = {} }: RenderOptions): void {
  if (addGenerationPrompt && continueFinalMessage) {
    throw new QvlError('REQUEST_INVALID', {
      what: 'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
      do: 'Leave one of them out.',
      param: 'continue_final_message',
    })
  }
  const reserved = Object.keys(kwargs).filter((name) => reservedNames.includes(name))
  if (reserved.length === 0) return
  throw new QvlError('REQUEST_INVALID', {
    what: `chat_template_kwargs contains reserved keys that conflict with fixed arguments: ${reserved.join(', ')}.`,
    do: 'Leave them out.',
    param: 'chat_template_kwargs',
  })
}

/** A template that shows the last message nowhere cannot end within it. */
function upToMark(text: string): string {
  const at = text.lastIndexOf(endMark.trimEnd())
  if (at < 0) {
    throw new QvlError('REQUEST_INVALID', {
      what: 'The final message cannot be continued.',
      why: 'The chat template of this model does not show it.',
      do: 'Leave continue_final_message out.',
      param: 'continue_final_message',
    })
  }
  const before = text.slice(0, at)
  return text.startsWith(endMark, at) ? before : before.trimEnd()
}

function variables(kwargs: Readonly<Record<string, unknown>>): Record<string, JsonValue> {
  return Object.fromEntries(Object.entries(kwargs).map(([name, value]) => [name, asJson(value, name)]))
}

function asJson(value: unknown, name: string): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value
  if (Array.isArray(value)) return value.map((item) => asJson(item, name))
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, asJson(item, name)]))
  }
  throw new QvlError('REQUEST_INVALID', {
    what: `The template variable ${name} is not a JSON value.`,
    do: 'Use text, numbers, true, false, null, lists and objects.',
    param: 'chat_template_kwargs',
  })
}
