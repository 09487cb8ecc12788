// Renders Jinja chat and score templates in a sandbox: data in, text out, within a budget.

import { QvlError } from '../errors.js'
import { Budget } from './jinja/budget.js'
import { checkTree } from './jinja/check.js'
import { TemplateFault } from './jinja/fault.js'
import { globalScope } from './jinja/globals.js'
import { Interpreter } from './jinja/interpreter.js'
import { countChars, fromJson, type JsonValue } from './jinja/json.js'
import { parseTemplate } from './jinja/syntax.js'

export type { JsonValue } from './jinja/json.js'

export interface TemplateOptions {
  /** What messages call the template, such as its file. */
  name: string
  /** The clock behind `strftime_now`. */
  now?: () => Date
}

export interface Template {
  /** Throws TEMPLATE_INVALID when the template raises an exception, misuses a value or exceeds its budget. */
  render(variables: { readonly [name: string]: JsonValue | undefined }): string
}

/**
 * Prepares a template, with transformers' settings: trim_blocks, lstrip_blocks, and one newline at the end of the
 * source removed. Templates get no functions but raise_exception, strftime_now, range, namespace and dict, and cannot
 * reach anything outside their variables. Throws TEMPLATE_INVALID for bad syntax and unknown filters or tests.
 */
export function compileTemplate(source: string, { name, now = () => new Date() }: TemplateOptions): Template {
  const syntax = named(name, () => {
    const parsed = parseTemplate(source)
    checkTree(parsed)
    return parsed
  })
  return {
    render: (variables) =>
      named(name, () => {
        const budget = new Budget(source.length + countChars(variables))
        const scope = globalScope(budget, now)
        for (const [key, value] of Object.entries(variables)) scope.set(key, fromJson(value))
        return new Interpreter(budget).render(syntax.root, scope)
      }),
  }
}

/** Runs `action` and puts the template's name on what stops it. */
function named<T>(name: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error
    throw new QvlError('TEMPLATE_INVALID', {
      what: error.raised ? `The template ${name} refused its input.` : `The template ${name} cannot be used.`,
      why: error.raised ? `Its message is: ${error.why}` : error.why,
      do: error.raised ? 'Change the input as the message says.' : 'Correct the template, or use another one.',
      cause: error,
    })
  }
}
