// Replicas, servers in front of them, and the numbers that they answer.

import { expect } from 'vitest'
import { maxDifference } from '../support/golden.js'
import { type Checkpoint, type ServerProcess, type StartOptions, startServer } from '../support/server.js'

/** What replicas call the model. */
export const name = 'the-model'

export const startReplica = (checkpoint: Checkpoint, args: readonly string[] = []): Promise<ServerProcess> =>
  startServer(checkpoint, { args: ['--served-model-name', name, '--disable-log-requests', ...args] })

export const upstreamArgs = (replicas: readonly ServerProcess[]): string[] => [
  ...['--upstream', replicas.map(({ url }) => url).join(',')],
  ...['--served-upstream-model', name],
]

export const startFront = (
  checkpoint: Checkpoint,
  replicas: readonly ServerProcess[],
  options: StartOptions = {},
): Promise<ServerProcess> =>
  startServer(checkpoint, { ...options, args: [...upstreamArgs(replicas), ...(options.args ?? [])] })

/** Of two replicas and a server in front of them, both of which have something to do. */
export async function expectSameAnswers(
  checkpoint: Checkpoint,
  asked: readonly (readonly [path: string, body: object])[],
): Promise<void> {
  const [one, two] = await Promise.all([startReplica(checkpoint), startReplica(checkpoint)])
  await using _one = one
  await using _two = two
  await using front = await startFront(checkpoint, [one, two])
  for (const [path, body] of asked) {
    const [here, there] = await Promise.all([one, front].map((each) => numbers(each, path, body)))
    expect(here!.length).toBeGreaterThan(0)
    expect(maxDifference(here!, there!), path).toBeLessThan(1e-6)
  }
  for (const each of [one, two]) expect(await metric(each, 'qvl_requests_admitted_total')).toBeGreaterThan(0)
}

/** One of the metrics of a server that has no labels but the model, or the sum over its labels. */
export async function metric({ url }: ServerProcess, name: string): Promise<number> {
  const page = await (await fetch(`${url}/metrics`)).text()
  const lines = page.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  if (lines.length === 0) throw new Error(`no metric ${name} in\n${page}`)
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
}

/** Those of all items, in the order of the input. */
export async function numbers(server: ServerProcess, path: string, body: object): Promise<number[]> {
  const response = await server.post(path, body)
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  const { data, results } = (await response.json()) as Partial<Record<string, Record<string, unknown>[]>>
  return (data ?? results ?? [])
    .toSorted((a, b) => Number(a.index) - Number(b.index))
    .flatMap((item) => floats(item.embedding ?? item.data ?? item.probs ?? item.relevance_score ?? item.score))
}

function floats(value: unknown): number[] {
  if (typeof value === 'string') return [...new Float32Array(new Uint8Array(Buffer.from(value, 'base64')).buffer)]
  return [value].flat(3).map(Number)
}
