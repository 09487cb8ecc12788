// The checkpoints' own chat templates: found where transformers finds them, rendered as it renders them.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ChatTemplate, type Message, type RenderOptions } from '#qvl/prompts/chat-template.js'
import { readChatTemplateFiles } from '#qvl/prompts/chat-template-files.js'
import { textSide } from '#qvl/prompts/side.js'
import { goldenPath, readGolden } from '../support/golden.js'

interface ChatGolden {
  conversations: Record<string, { role: string; content: string | { type: string; text?: string }[] }[]>
  cases: { checkpoint: string; conversation: string; kwargs: Record<string, unknown>; rendered: string }[]
}

const plain: RenderOptions = { addGenerationPrompt: false, continueFinalMessage: false }

const templateOf = async (dir: string): Promise<ChatTemplate> =>
  new ChatTemplate(await readChatTemplateFiles(dir), textSide)

describe('the golden conversations', () => {
  const { conversations, cases } = readGolden<ChatGolden>('standalone/templates_chat.json')
  const texts = cases.filter(({ conversation }) => conversation !== 'parts')

  it.each(texts)('$checkpoint $conversation $kwargs', async ({ checkpoint, conversation, kwargs, rendered }) => {
    const template = await templateOf(goldenPath(`checkpoints/${checkpoint}`))
    const messages = conversations[conversation]!.map(({ role, content }): Message => {
      if (typeof content === 'string') return { role, content }
      return { role, content: content.map(({ text }) => ({ type: 'text', text: text ?? '' })) }
    })
    const { add_generation_prompt: addGenerationPrompt, ...rest } = kwargs
    expect(
      template.render(messages, { ...plain, addGenerationPrompt: addGenerationPrompt === true, kwargs: rest }),
    ).toBe(rendered)
  })
})

describe('the places of a template', () => {
  let dir = ''
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'qvl-chat-'))
  })
  afterAll(() => rm(dir, { recursive: true }))

  const write = (name: string, content: string | object): Promise<void> =>
    writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content))
  const rendered = async (): Promise<string> => (await templateOf(dir)).render([{ role: 'user', content: 'hi' }], plain)

  it('in the order of transformers', async () => {
    await expect(rendered()).rejects.toThrowError(/no chat template/)
    await write('tokenizer_config.json', {
      eos_token: { content: '<end>' },
      chat_template: [
        { name: 'tool_use', template: 'wrong' },
        { name: 'default', template: 'from config {{ messages[0].content }}{{ eos_token }}' },
      ],
    })
    expect(await rendered()).toBe('from config hi<end>')
    await write('chat_template.json', { chat_template: 'from json {{ messages[0].content }}' })
    expect(await rendered()).toBe('from json hi')
    await write('chat_template.jinja', 'from jinja {{ messages[0].content }}')
    expect(await rendered()).toBe('from jinja hi')
  })
})

describe('options', () => {
  const files = (source: string) => new ChatTemplate({ name: 'mine', source, specialTokens: {} }, textSide)
  const each = files('{% for m in messages %}[{{ m.role }}]{{ m.content }}[end]{% endfor %}{{ mood }}')
  const trimming = files('{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}[end]{% endfor %}')
  const messages: Message[] = [
    { role: 'user', content: 'a' },
    { role: 'assistant', content: 'b ' },
  ]

  it.each<[string, ChatTemplate, Message[], Partial<RenderOptions>, string]>([
    ['variables', each, messages, { kwargs: { mood: 'good' } }, '[user]a[end][assistant]b [end]good'],
    ['the final message goes on', each, messages, { continueFinalMessage: true }, '[user]a[end][assistant]b '],
    ['a trimmed one too', trimming, messages, { continueFinalMessage: true }, '[user]a[end][assistant]b'],
    [
      'an empty one too',
      each,
      [messages[0]!, { role: 'assistant', content: '' }],
      { continueFinalMessage: true },
      '[user]a[end][assistant]',
    ],
    ["a request's own template", each, messages, { chatTemplate: '{{ messages | length }}' }, '2'],
  ])('%s', (_, template, asked, options, expected) => {
    expect(template.render(asked, { ...plain, ...options })).toBe(expected)
  })

  it.each<[string, Partial<RenderOptions>, Message[], string]>([
    ['both ends', { addGenerationPrompt: true, continueFinalMessage: true }, messages, 'REQUEST_INVALID'],
    ['a reserved variable', { kwargs: { messages: [] } }, messages, 'REQUEST_INVALID'],
    ['no JSON', { kwargs: { mood: () => 1 } }, messages, 'REQUEST_INVALID'],
    ['an image', {}, [{ role: 'user', content: [{ type: 'image', image: 'x' }] }], 'MEDIA_UNSUPPORTED'],
    ['a template that raises', { chatTemplate: "{{ raise_exception('no') }}" }, messages, 'TEMPLATE_INVALID'],
    [
      'one that hides the final message',
      { chatTemplate: 'x', continueFinalMessage: true },
      messages,
      'REQUEST_INVALID',
    ],
  ])('refuses %s', (_, options, asked, code) => {
    expect(() => each.render(asked, { ...plain, ...options })).toThrowError(expect.objectContaining({ code }))
  })
})
