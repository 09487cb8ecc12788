// `qvl embed --upstream` and `qvl score --upstream`: files through a fleet that is kept busy, and loses replicas on the way.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { maxDifference } from '../support/golden.js'
import { type Checkpoint, checkpointPath, type ServerProcess, until } from '../support/server.js'
import { type Ended, ended, jsonLines, parseLines, qvl, startQvl } from './run-qvl.js'
import { metric, startReplica, upstreamArgs } from './upstream-fleet.js'

const folder = mkdtempSync(join(tmpdir(), 'qvl-upstream-files-'))
afterAll(() => rmSync(folder, { recursive: true }))

const path = (name: string): string => join(folder, name)

function input(name: string, lines: readonly object[]): string {
  writeFileSync(path(name), jsonLines(lines))
  return path(name)
}

const words = (count: number): string => 'and more '.repeat(count)

/** Some 500 tokens in the longest, so that calls take a while. */
const texts = input(
  'texts.jsonl',
  Array.from({ length: 500 }, (_, id) => ({ id, text: `text ${id} ${words((id * 37) % 250)}` })),
)

const requests = input(
  'requests.jsonl',
  Array.from({ length: 150 }, (_, id) => ({
    id,
    query: `query ${id}`,
    documents: Array.from({ length: 1 + (id % 9) }, (_, i) => `document ${i} ${words((id * 7 + i) % 60)}`),
  })),
)

interface Line {
  id: number
  embedding?: number[]
  results?: { index: number; relevance_score: number }[]
}

const numbersOf = ({ embedding, results }: Line): number[] =>
  embedding ?? (results ?? []).toSorted((a, b) => a.index - b.index).map((each) => each.relevance_score)

function compare(there: Line[], here: Line[]): void {
  expect(there.map(({ id }) => id)).toEqual(here.map(({ id }) => id))
  const differences = here.map((line, i) => maxDifference(numbersOf(line), numbersOf(there[i]!)))
  expect(Math.min(...here.map((line) => numbersOf(line).length))).toBeGreaterThan(0)
  expect(Math.max(...differences)).toBeLessThan(1e-6)
}

/** Of a command that is over, and was content. */
function linesOf({ code, stdout, stderr }: Ended): Line[] {
  expect(code, stderr).toBe(0)
  return parseLines<Line>(stdout)
}

it.each<['embed' | 'score', Checkpoint, string]>([
  ['embed', 'qwen3-embedding', texts],
  ['score', 'qwen3-reranker', requests],
])('qvl %s: all replicas are busy at once, and one that is killed loses no line', async (command, checkpoint, file) => {
  const args = [command, file, '-m', checkpointPath(checkpoint)]
  // One thread each, so that a kill comes in the middle.
  const replicas = await Promise.all([1, 2, 3].map(() => startReplica(checkpoint, ['--threads', '1'])))
  try {
    const child = startQvl([...args, ...upstreamArgs(replicas)])
    const over = ended(child)
    await until(async () => (await Promise.all(replicas.map(running))).every((count) => count > 1))
    replicas[0]!.kill('SIGKILL')
    await replicas[0]!.ended
    expect(child.exitCode).toBe(null)
    compare(linesOf(await over), linesOf(await qvl(args)))
  } finally {
    await Promise.all(replicas.map((one) => one.stop()))
  }
})

const running = (replica: ServerProcess): Promise<number> => metric(replica, 'vllm:num_requests_running')
