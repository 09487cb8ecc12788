// Templates against what Jinja itself renders from them.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { compileTemplate, type JsonValue } from '#qvl/text/jinja.js'
import { checkpointDir, readGolden } from './fixtures.js'

interface Case {
  conversation: string
  rendered: string
}

interface Table<C extends Case> {
  conversations: Record<string, JsonValue>
  cases: C[]
}

async function chatTemplate(checkpoint: string): Promise<string> {
  if (checkpoint.includes('-vl-')) return readFile(join(checkpointDir(checkpoint), 'chat_template.jinja'), 'utf8')
  const config = JSON.parse(await readFile(join(checkpointDir(checkpoint), 'tokenizer_config.json'), 'utf8'))
  return config.chat_template
}

describe('golden templates', () => {
  it('score template in the query and document dialect', async () => {
    const table = await readGolden<Table<Case & { template: string; environment: string }> & { template: string }>(
      'standalone/templates_reranker.json',
    )
    const sources = new Map([
      ['as-file', table.template],
      ['with-extra-newline', `${table.template}\n`],
      ['without-final-newline', table.template.replace(/\n$/, '')],
    ])
    const cases = table.cases.filter((one) => one.environment === 'trim_lstrip')
    expect(cases).toHaveLength(12)
    for (const { template, conversation, rendered } of cases) {
      const source = sources.get(template)
      if (source === undefined) throw new Error(`no template ${template}`)
      const messages = table.conversations[conversation]
      expect(compileTemplate(source, { name: template }).render({ messages }), `${template} ${conversation}`).toBe(
        rendered,
      )
    }
  })

  it('chat templates of the checkpoints', async () => {
    const { conversations, cases } = await readGolden<
      Table<Case & { checkpoint: string; kwargs: Record<string, JsonValue> }>
    >('standalone/templates_chat.json')
    expect(cases).toHaveLength(29)
    for (const { checkpoint, conversation, kwargs, rendered } of cases) {
      const template = compileTemplate(await chatTemplate(checkpoint), { name: checkpoint })
      const messages = conversations[conversation]
      expect(template.render({ messages, ...kwargs }), `${checkpoint} ${conversation}`).toBe(rendered)
    }
  })
})
