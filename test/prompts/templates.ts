// Score templates from files, as --chat-template reads them.

import { readFileSync } from 'node:fs'
import type { ScoreFormat } from '#qvl/prompts/prompt.js'
import { type RerankerFamily, scoreTemplate } from '#qvl/prompts/score-template.js'
import type { Tokenizer } from '#qvl/text/tokenizer.js'
import { goldenTokenizer } from './formats.js'

const templates = new URL('../../templates/', import.meta.url)
const fixtures = new URL('fixtures/', import.meta.url)

export const readTemplate = (file: string): string =>
  readFileSync(new URL(file, file.startsWith('tutorial') ? fixtures : templates), 'utf8')

interface TemplateOptions {
  tokenizer?: Tokenizer
  warn?: (message: string) => void
}

export async function templateFormat(
  family: RerankerFamily,
  file: string,
  options: TemplateOptions = {},
): Promise<ScoreFormat> {
  return sourceFormat(family, readTemplate(file), { ...options, tokenizer: await goldenTokenizer(family) })
}

export const sourceFormat = (
  family: RerankerFamily,
  text: string,
  options: TemplateOptions & { tokenizer: Tokenizer },
): ScoreFormat => scoreTemplate({ ...options, family, chatTemplate: { name: 'test.jinja', text } })
