import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fixture, readFixtures } from './support/fixtures.js'
import { differences } from './support/pattern.js'
import { type ContractServer, startContractServer } from './support/server.js'

const fixtures = readFixtures()
/** One server for all fixtures that want the same one. */
const serverOf = ({ model, server = {} }: Fixture): string => JSON.stringify([model, server])
const servers = [...new Set([...fixtures.values()].flat().map(serverOf))]

describe.each(servers)('%s', (wanted) => {
  let server: ContractServer
  beforeAll(async () => {
    const [model, options] = JSON.parse(wanted)
    server = await startContractServer(model, options)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  for (const [file, all] of fixtures) {
    const own = all.filter((fixture) => serverOf(fixture) === wanted)
    if (own.length === 0) continue
    describe(file, () => {
      it.each(own.map((fixture) => [fixture.name, fixture] as const))('%s', async (_name, fixture) => {
        await check(server.url, fixture)
      })
    })
  }
})

async function check(url: string, fixture: Fixture): Promise<void> {
  const { method = 'POST', path, headers, body, text, status, answerHeaders = {}, answer, answerBytes } = fixture
  const sent = text ?? (body === undefined ? undefined : JSON.stringify(body))
  const response = await fetch(url + path, {
    method,
    headers: { ...(sent !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(sent !== undefined && { body: sent }),
  })
  const bytes = new Uint8Array(await response.arrayBuffer())
  const received = answerBytes === undefined ? JSON.parse(new TextDecoder().decode(bytes)) : bytes.length
  expect(differences(received, answerBytes ?? answer)).toEqual([])
  expect(response.status).toBe(status)
  for (const [name, expected] of Object.entries(answerHeaders)) {
    expect(differences(response.headers.get(name), expected, name)).toEqual([])
  }
}
