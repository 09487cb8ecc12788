// The pages of the documentation, in parts: prose, code blocks, code in the middle of a sentence.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Page {
  /** From the root, such as docs/api.md. */
  path: string
  text: string
}

export interface Fence {
  /** The first word behind the fence; empty where there is none. */
  language: string
  /** What else stands there, such as run=embed. */
  info: string
  /** Of run=embed: which test runs it is in runners.ts. */
  run: string | undefined
  /** Of norun="needs a chip": why no test runs it. */
  norun: string | undefined
  /** The line of its first fence, from 1. */
  line: number
  text: string
}

export function pagesAt(root: string): Page[] {
  const docs = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'))
  const paths = ['README.md', 'examples/deploy/README.md', ...docs.map((file) => `docs/${file}`)]
  return paths.map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

const fence = /^```(\w*) *(.*)\n([\s\S]*?)^```$/gm

export function fencesOf({ text }: Page): Fence[] {
  return [...text.matchAll(fence)].map(({ 1: language = '', 2: info = '', 3: body = '', index }) => ({
    language,
    info,
    run: /^run=(\S+)$/.exec(info)?.[1],
    norun: /^norun="(.+)"$/.exec(info)?.[1],
    line: text.slice(0, index).split('\n').length,
    text: body,
  }))
}

export const proseOf = ({ text }: Page): string => text.replace(fence, '')

/**
 * Code in the prose. The first column of a table whose heading says so holds the words of other programs, which this
 * project does not have.
 */
export function spansOf(page: Page): string[] {
  let isForeign = false
  const lines = proseOf(page)
    .split('\n')
    .map((line) => {
      if (!line.startsWith('|')) isForeign = false
      else if (/^\| (?:vLLM|vLLM Ascend|TEI|SGLang|llama\.cpp) \|/.test(line)) isForeign = true
      return isForeign ? line.replace(/^\|(?:[^|\\]|\\.)*\|/, '|') : line
    })
  return [...lines.join('\n').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!)
}
