// From template source to a syntax tree: the library's lexer and parser, with limits, line numbers and tests that
// take an argument.

import { parse, tokenize } from '@huggingface/jinja'
import { TemplateFault } from './fault.js'
import { takesArgument } from './tests.js'
import type { Node } from './tree.js'

/** Longest template; the largest published chat templates have about 20,000 characters. */
const maxSourceChars = 128 * 1024
/** Longest run of whitespace: the library's lexer needs quadratic time for one. */
const maxBlankRun = 1000

type Token = ReturnType<typeof tokenize>[number]

export interface Syntax {
  root: Node
  /** Line on which a filter or test is first used. */
  lineOf(name: string): number | undefined
}

export function parseTemplate(source: string): Syntax {
  if (source.length > maxSourceChars) {
    throw new TemplateFault(`It has ${source.length} characters; the limit is ${maxSourceChars}.`)
  }
  if (new RegExp(`\\s{${maxBlankRun}}`).test(source)) {
    throw new TemplateFault(`It has more than ${maxBlankRun} whitespace characters in a row.`)
  }
  const unified = source.replace(/\r\n?/g, '\n')
  const tokens = readTokens(unified)
  const lines = tokenLines(unified, tokens)
  return { root: parseTokens(withTestArguments(tokens, lines), lines), lineOf: (name) => nameLine(name, tokens, lines) }
}

function readTokens(source: string): Token[] {
  try {
    // As transformers and vLLM set them.
    return tokenize(source, { trim_blocks: true, lstrip_blocks: true })
  } catch (cause) {
    throw Object.assign(new TemplateFault('It is not Jinja: a tag, string or comment is malformed.'), { cause })
  }
}

function parseTokens(tokens: readonly Token[], lines: ReadonlyMap<Token, number>): Node {
  let reached = 0
  const watched = new Proxy([...tokens], {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reached = Math.max(reached, Number(key))
      return Reflect.get(target, key, receiver)
    },
  })
  try {
    return asNode(parse(watched))
  } catch (cause) {
    const token = tokens[Math.min(reached, tokens.length - 1)]
    const line = token === undefined ? 1 : (lines.get(token) ?? 1)
    // The parser calls itself for every level, and the stack is what ends it.
    const why = cause instanceof RangeError ? 'nests too deeply' : 'is not Jinja that qvl understands'
    throw Object.assign(new TemplateFault(`Line ${line} ${why}.`), { cause })
  }
}

/** The library exports no node types; `Node` describes what its parser builds. */
function asNode(node: unknown): Node {
  if (isNode(node)) return node
  throw new TemplateFault('The parser returned no syntax tree.')
}

function isNode(node: unknown): node is Node {
  return typeof node === 'object' && node !== null && 'type' in node && node.type === 'Program'
}

/** Lines by token, found by looking for the tokens in order: the library does not keep positions. */
function tokenLines(source: string, tokens: readonly Token[]): Map<Token, number> {
  const lines = new Map<Token, number>()
  let line = 1
  let counted = 0
  let at = 0
  for (const token of tokens) {
    const [start, stop] = tokenRange(source, token, at)
    for (; counted < start; counted++) if (source[counted] === '\n') line++
    lines.set(token, line)
    at = stop
  }
  return lines
}

function tokenRange(source: string, token: Token, from: number): [start: number, stop: number] {
  if (token.type === 'StringLiteral') {
    // Escapes make a string differ from its source, so its end is found by its quote.
    const string = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"/gs
    string.lastIndex = from
    const found = string.exec(source)
    return found === null ? [from, from] : [found.index, string.lastIndex]
  }
  const start = source.indexOf(token.value, from)
  return start < 0 ? [from, from] : [start, start + token.value.length]
}

function nameLine(name: string, tokens: readonly Token[], lines: ReadonlyMap<Token, number>): number | undefined {
  const token = tokens.find((one, i) => one.value === name && ['|', 'is', 'not'].includes(tokens[i - 1]?.value ?? ''))
  return token === undefined ? undefined : lines.get(token)
}

/**
 * The parser knows no arguments of tests. `x is eq(1)`, `x is not in [1]` and `x is divisibleby 3` are rewritten as the
 * filters `is eq`, `is not in` and `is divisibleby`, names that no template can write.
 */
function withTestArguments(tokens: readonly Token[], lines: Map<Token, number>): Token[] {
  const out: Token[] = []
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]
    if (token === undefined) break
    const test = testAt(tokens, at)
    if (test === undefined) {
      out.push(token)
      continue
    }
    const extra = (value: string, type: Token['type']) => {
      const added: Token = { value, type }
      lines.set(added, lines.get(token) ?? 1)
      return added
    }
    out.push(extra('|', 'Pipe'), extra(test.name, 'Identifier'))
    if (test.bare > 0) {
      const argument = tokens.slice(test.next, test.next + test.bare)
      out.push(extra('(', 'OpenParen'), ...argument, extra(')', 'CloseParen'))
    }
    at = test.next + test.bare - 1
  }
  return out
}

/** A test with an argument at `is`: where the argument starts, and its tokens when it has no parentheses. */
function testAt(tokens: readonly Token[], at: number): { name: string; next: number; bare: number } | undefined {
  if (tokens[at]?.type !== 'Identifier' || tokens[at].value !== 'is' || tokens[at - 1]?.type === 'Dot') return undefined
  const negated = tokens[at + 1]?.value === 'not'
  const next = at + (negated ? 3 : 2)
  const name = tokens[next - 1]
  if (name?.type !== 'Identifier' || !takesArgument(name.value)) return undefined
  return { name: `is ${negated ? 'not ' : ''}${name.value}`, next, bare: bareArgument(tokens, next) }
}

function bareArgument(tokens: readonly Token[], at: number): number {
  if (tokens[at]?.type === 'OpenParen') return 0
  if (tokens[at]?.type !== 'OpenSquareBracket') return 1
  let depth = 0
  for (let i = at; i < tokens.length; i++) {
    if (tokens[i]?.type === 'OpenSquareBracket') depth++
    if (tokens[i]?.type === 'CloseSquareBracket' && --depth === 0) return i - at + 1
  }
  return 1
}
