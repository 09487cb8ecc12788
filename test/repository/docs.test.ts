// The documentation against the code: links lead somewhere, and every flag, limit, variable and file it names is there.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { flagsOf } from '#qvl/cli/command-options.js'
import { type CommandName, commandNames, environmentName } from '#qvl/cli/flag.js'
import { limitTable } from '#qvl/server/limits.js'
import { type Fence, fencesOf, type Page, pagesAt, proseOf, spansOf } from './pages.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = pagesAt(root)

/** What a check finds wrong, with the page it stands on. */
const wrongIn = (check: (page: Page) => readonly string[]): string[] =>
  pages.flatMap((page) => check(page).map((what) => `${page.path}: ${what}`))

it('the pages are read', () => {
  expect(pages.map(({ path }) => path)).toContain('docs/operations.md')
})

describe('links', () => {
  it('lead to files and headings that are there', () => {
    expect(wrongIn((page) => linksOf(page).filter((link) => !leadsSomewhere(link, page)))).toEqual([])
  })

  it('reach every page from the README', () => {
    const seen = new Set(['README.md'])
    for (const path of seen) {
      const page = pages.find((one) => one.path === path)
      for (const link of page === undefined ? [] : linksOf(page)) seen.add(targetOf(link, page!))
    }
    expect(pages.map(({ path }) => path).filter((path) => !seen.has(path))).toEqual([])
  })
})

const linksOf = (page: Page): string[] =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!).filter((link) => !/^[a-z]+:/.test(link))

const targetOf = (link: string, { path }: Page): string =>
  link.startsWith('#') ? path : relative(root, join(root, dirname(path), link.split('#')[0]!))

function leadsSomewhere(link: string, page: Page): boolean {
  const target = targetOf(link, page)
  const [, anchor] = link.split('#')
  if (anchor === undefined) return existsSync(join(root, target))
  return pages.some((one) => one.path === target && headingsOf(one).includes(anchor))
}

/** As GitHub names them. */
const headingsOf = (page: Page): string[] =>
  [...proseOf(page).matchAll(/^#+ (.*)$/gm)].map((match) =>
    match[1]!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

describe('flags', () => {
  it('of every command line are those of its command', () => {
    const numChecked = pages.flatMap(commandLinesOf).length
    expect(numChecked).toBeGreaterThan(20)
    expect(
      wrongIn((page) =>
        commandLinesOf(page).flatMap(({ command, words }) =>
          words.filter((word) => !isFlagOf(word, command)).map((word) => `qvl ${command} ${word}`),
        ),
      ),
    ).toEqual([])
  })

  it('that are named by themselves belong to some command, or to a script', () => {
    const scripts = textsIn(join(root, 'scripts')).join('\n')
    const isKnown = (word: string): boolean =>
      commandNames.some((command) => isFlagOf(word, command)) || scripts.includes(`'${word.slice(2)}'`)
    const named = (page: Page): string[] =>
      spansOf(page)
        .filter((span) => span.startsWith('--'))
        .map((span) => span.split(/[ =]/)[0]!)
    expect(pages.flatMap(named).length).toBeGreaterThan(50)
    expect(wrongIn((page) => named(page).filter((word) => !isKnown(word)))).toEqual([])
  })
})

interface CommandLine {
  command: CommandName
  /** Those that begin with two dashes. */
  words: string[]
}

/** Of `qvl …`, `npx qvl …` and `node bin/qvl.js …`, in code blocks and in the middle of sentences. */
function commandLinesOf(page: Page): CommandLine[] {
  const shell = fencesOf(page).filter(({ language }) => language === 'sh')
  const lines = [...shell.flatMap(linesOf), ...spansOf(page)]
  return lines.flatMap((line) => {
    const match = /(?:^|\s)(?:qvl|bin\/qvl\.js) (.*)$/.exec(line)
    // `qvl config` takes the command line of another command behind it.
    const rest = match?.[1]?.replace(/^config (?=[a-z])/, '')
    const command = rest && commandNames.find((name) => `${rest} `.startsWith(`${name} `))
    if (!rest || !command) return []
    const words = rest.split(/\s+(?:#|\||>|&&|;)\s?/)[0]!.match(/(?<=^|\s)--[\w-]+/g)
    return [{ command, words: [...(words ?? [])] }]
  })
}

/** A line that ends in a backslash goes on. */
const linesOf = ({ text }: Fence): string[] => text.replace(/\\\n\s*/g, ' ').split('\n')

/** Names may be shortened while they are unique. */
function isFlagOf(word: string, command: CommandName): boolean {
  const given = word.slice(2).split('.')[0]!.replaceAll('_', '-')
  const names = flagsOf(command).flatMap(({ name, type }) => (type === 'bool' ? [name, `no-${name}`] : [name]))
  return names.includes(given) || new Set(names.filter((name) => name.startsWith(given))).size === 1
}

describe('names in capitals', () => {
  it('are error codes, variables that the code reads, or variables of flags', () => {
    const sources = ['src', 'native'].flatMap((folder) => textsIn(join(root, folder))).join('\n')
    const ofFlags = new Set(commandNames.flatMap((command) => flagsOf(command).map(environmentName)))
    /** Read by the install step of onnxruntime-node. */
    const ofOthers = new Set(['ONNXRUNTIME_NODE_INSTALL'])
    const named = (page: Page): string[] =>
      [
        ...spansOf(page),
        ...fencesOf(page)
          .filter(({ language }) => language === 'sh')
          .map(({ text }) => text),
      ]
        .flatMap((text) => text.match(/(?<![\w.-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w-])/g) ?? [])
        .filter((name) => !ofFlags.has(name) && !ofOthers.has(name) && !sources.includes(name))
    expect(wrongIn(named)).toEqual([])
  })
})

function textsIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files.filter((file) => /\.(ts|js|cc|h)$/.test(file)).map((file) => readFileSync(join(folder, file), 'utf8'))
}

describe('files', () => {
  it('are there, by their path from the root or from src', () => {
    const named = (page: Page): string[] => spansOf(page).filter((span) => /^[\w./-]+\.(ts|js|cc|h|inl|sh)$/.test(span))
    const folders = (page: Page): string[] =>
      spansOf(page).filter((span) => /^(src|test|native|docs)\/[\w./-]*\/$/.test(span))
    const isThere = (path: string): boolean => existsSync(join(root, path)) || existsSync(join(root, 'src', path))
    expect(pages.flatMap(named).length).toBeGreaterThan(50)
    expect(wrongIn((page) => [...named(page), ...folders(page)].filter((path) => !isThere(path)))).toEqual([])
  })
})

describe('the table of limits', () => {
  const rows = [...pages.find(({ path }) => path === 'docs/operations.md')!.text.matchAll(/^\| .* \|$/gm)].map(String)

  it.each(Object.entries(limitTable))('has %s as the server has it', (_, { what, value, unit, flag, reason }) => {
    const shownFlag = flag === 'none' ? '–' : `\`--${flag}\``
    expect(rows).toContain(`| ${what} | ${shown(value, unit)} | ${shownFlag} | ${reason} |`)
  })
})

function shown(value: number, unit: (typeof limitTable)[keyof typeof limitTable]['unit']): string {
  switch (unit) {
    case 'bytes':
      return value >= 1024 ** 2 ? `${value / 1024 ** 2} MiB` : `${value / 1024} KiB`
    case 'seconds':
      return `${value} s`
    case 'share':
      return `${100 * value} %`
    case 'count':
      return value.toLocaleString('en')
    default:
      return unit satisfies never
  }
}

describe('what does not belong into a repository', () => {
  it('paths of a machine', () => {
    expect(wrongIn(({ text }) => text.match(/(?<![\w.])\/(?:home|root|work|tmp|Users)\/\S*/g) ?? [])).toEqual([])
  })
})
