// Finds unknown filters and tests, and trees that are too deep, when a template is loaded rather than when it runs.

import { fault } from './fault.js'
import { findFilter } from './filters.js'
import type { Syntax } from './syntax.js'
import { findTest } from './tests.js'

/** Nesting of the syntax tree; a chain of operators nests one level per operator. */
const maxTreeDepth = 300

export function checkTree({ root, lineOf }: Syntax): void {
  const visit = (node: unknown, depth: number): void => {
    if (depth > maxTreeDepth) fault(`Its expressions nest more than ${maxTreeDepth} levels deep.`)
    if (typeof node !== 'object' || node === null) return
    if (Array.isArray(node) || node instanceof Map) {
      // A list is no level of its own.
      for (const inner of node instanceof Map ? [...node.keys(), ...node.values()] : node) visit(inner, depth)
      return
    }
    checkName(node, lineOf)
    for (const inner of Object.values(node)) visit(inner, depth + 1)
  }
  visit(root, 0)
}

function checkName(node: object, lineOf: Syntax['lineOf']): void {
  if ('filter' in node) {
    const name = nameIn(node.filter)
    if (name !== undefined && !name.startsWith('is ') && findFilter(name) === undefined) {
      fault(`${place(lineOf(name))} uses the filter ${name}, which is unknown.`)
    }
  }
  if ('type' in node && node.type === 'TestExpression' && 'test' in node) {
    const name = nameIn(node.test)
    if (name !== undefined && findTest(name) === undefined)
      fault(`${place(lineOf(name))} uses the test ${name}, which is unknown.`)
  }
}

/** The name in an identifier, or in a call of one. */
function nameIn(node: unknown): string | undefined {
  if (typeof node !== 'object' || node === null) return undefined
  if ('callee' in node) return nameIn(node.callee)
  return 'value' in node && typeof node.value === 'string' ? node.value : undefined
}

function place(line: number | undefined): string {
  return line === undefined ? 'It' : `Line ${line}`
}
