// docs/flags.md is what scripts/flag-table.js writes from the table of today.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { commandNames, isFor } from '#qvl/cli/flag.js'
import { flags } from '#qvl/cli/flags.js'

const root = new URL('../../', import.meta.url)

it('the page of flags is up to date', async () => {
  const { flagPage }: { flagPage: () => string } = await import(new URL('scripts/flag-table.js', root).href)
  const page = readFileSync(fileURLToPath(new URL('docs/flags.md', root)), 'utf8')
  expect(page === flagPage(), 'Run: node scripts/flag-table.js').toBe(true)
})

it('every flag of the table is for some command', () => {
  expect(flags.filter((flag) => !commandNames.some((command) => isFor(flag, command)))).toEqual([])
})
