// Every code block of the documentation is run by a test, or says why it is not.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { type Fence, fencesOf, pagesAt } from './pages.js'
import { kindOf, runKinds, runnerOf } from './runners.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const blocks = pagesAt(root).flatMap((page) => fencesOf(page).map((fence) => ({ page, fence })))

/** Nothing that could be run: what a program shows or sends. */
const shown = ['', 'text', 'json']

/** Why a block may be left out, and the one thing that a reader should know about it. */
const reasons = [
  'needs a Docker daemon',
  'needs an NPU',
  'needs CANN',
  'changes the machine',
  'this test suite itself',
  'runs until it is ended',
  'settings of another program',
]

describe('code blocks', () => {
  it('are there', () => {
    expect(blocks.length).toBeGreaterThan(50)
  })

  it('are run by a test, or say why not', () => {
    const isTold = ({ page, fence }: (typeof blocks)[number]): boolean =>
      shown.includes(fence.language) || runnerOf(fence, page) !== undefined || isExcused(fence)
    expect(blocks.filter((block) => !isTold(block)).map(placeOf)).toEqual([])
  })

  it('of every kind are there, and so is the test that runs it', () => {
    const kinds = blocks.map(({ fence }) => kindOf(fence))
    expect(runKinds.filter((kind) => !kinds.includes(kind))).toEqual([])
    const tests = new Set(blocks.flatMap(({ page, fence }) => runnerOf(fence, page) ?? []))
    for (const test of tests) {
      expect(existsSync(join(root, 'test', test)), test).toBe(true)
      expect(readFileSync(join(root, 'test', test), 'utf8')).toContain(`'${test}'`)
    }
  })

  it('that are not run have one of these reasons, and each reason is used', () => {
    const given = blocks.flatMap(({ fence }) => (fence.norun === undefined ? [] : [reasonOf(fence.norun)]))
    expect([...new Set(given)].sort()).toEqual([...reasons].sort())
  })

  it('of JSON can be read', () => {
    for (const { fence } of blocks.filter(({ fence: { language } }) => language === 'json'))
      expect(() => JSON.parse(fence.text)).not.toThrow()
  })
})

/** The words before a semicolon; behind it stands what is tested in its place. */
const reasonOf = (norun: string): string => norun.split(';')[0]!

const isExcused = ({ norun }: Fence): boolean =>
  norun !== undefined && reasons.includes(reasonOf(norun)) && isTestThere(norun)

const isTestThere = (norun: string): boolean =>
  (norun.match(/test\/[\w/.-]+\.ts/g) ?? []).every((path) => existsSync(join(root, path)))

const placeOf = ({ page, fence }: (typeof blocks)[number]): string =>
  `${page.path}:${fence.line} ${fence.language} ${fence.info}`
