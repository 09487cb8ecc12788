// --chat-template: a file, or the template itself.

import { readFile, stat } from 'node:fs/promises'
import { QvlError } from '../errors.js'

/** Templates are a few kilobytes. */
const maxTemplateBytes = 1024 * 1024

/**
 * vLLM's rule: a readable file is read; otherwise the text is the template, unless it has no brace and no line end,
 * for then it was meant as a path. Throws USAGE.
 */
export async function readChatTemplate(given: string): Promise<{ name: string; text: string }> {
  const { text, cause } = await readTemplateFile(given)
  if (text !== undefined) return { name: given, text }
  if (/[{}\n]/.test(given)) return { name: '--chat-template', text: given }
  throw new QvlError('USAGE', {
    what: `The supplied chat template (${given}) looks like a file path, but it failed to be opened.`,
    why: 'A template text has braces or line ends; this has neither.',
    do: 'Check the path. The official format needs no --chat-template.',
    param: '--chat-template',
    cause,
  })
}

/** Any reason why the file cannot be read means "not a file"; the caller decides whether that is an error. */
async function readTemplateFile(file: string): Promise<{ text?: string; cause?: unknown }> {
  try {
    if ((await stat(file)).size > maxTemplateBytes) return { cause: `larger than ${maxTemplateBytes} bytes` }
    return { text: await readFile(file, 'utf8') }
  } catch (cause) {
    return { cause }
  }
}
