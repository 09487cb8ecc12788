// Which test runs which code block of the documentation, by its language and what stands behind it.

import type { Fence, Page } from './pages.js'

/** Test files, from `test/`. */
export type Runner =
  | 'repository/docs-commands.test.ts'
  | 'repository/docs-servers.test.ts'
  | 'repository/docs-settings.test.ts'
  | 'clients/docs.test.ts'
  | 'clients/recorded.test.ts'

const byKind: Readonly<Record<string, Runner>> = {
  // In an empty folder, beside servers with tiny checkpoints.
  'sh rerank': 'repository/docs-commands.test.ts',
  'sh embed': 'repository/docs-commands.test.ts',
  'sh vl': 'repository/docs-commands.test.ts',
  'sh vl-lines': 'repository/docs-commands.test.ts',
  'sh bench': 'repository/docs-commands.test.ts',
  'sh bench-embed': 'repository/docs-commands.test.ts',
  'sh lines': 'repository/docs-commands.test.ts',
  'sh throughput': 'repository/docs-commands.test.ts',
  'sh demo': 'repository/docs-commands.test.ts',
  // Each command line is a server, which has to become ready.
  'sh serve': 'repository/docs-servers.test.ts',
  'yaml config': 'repository/docs-settings.test.ts',
  'yaml probes': 'repository/docs-settings.test.ts',
  'js rerank': 'clients/docs.test.ts',
  'js embed': 'clients/docs.test.ts',
  // In a process of its own, with the library of this repository as the package qvl.
  'js library': 'clients/docs.test.ts',
  // Clients that are not among the packages of this repository: what they send was recorded, and is sent again.
  'js recorded': 'clients/recorded.test.ts',
  'python recorded': 'clients/recorded.test.ts',
}

/** The examples with curl of these pages come with a server that has the model's own name. */
const ofClients = ['docs/api.md', 'docs/clients.md']

export const runKinds = Object.keys(byKind)

/** What stands behind a colon is the name of a recording. */
export const kindOf = ({ language, run }: Fence): string => `${language} ${run?.split(':')[0]}`

export function runnerOf(fence: Fence, { path }: Page): Runner | undefined {
  const kind = kindOf(fence)
  const isOfClients = ofClients.includes(path) && (kind === 'sh rerank' || kind === 'sh embed')
  return isOfClients ? 'clients/docs.test.ts' : byKind[kind]
}
