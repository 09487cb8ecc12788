// What a client of another package sends when an example of the documentation runs, kept as a file.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('recorded', import.meta.url))

export interface SentRequest {
  path: string
  /** With what a client adds of its own. */
  body: {
    model: string
    input?: string[]
    encoding_format?: string
    query?: string
    documents?: string[]
    top_n?: number
  }
}

export interface Recording {
  /** The package, with its version. */
  client: string
  /** From a run of the example, or from what the client's source says it sends, where it could not be run here. */
  from: 'run' | 'source'
  /** The example, line by line: another one needs another recording. */
  example: string[]
  requests: SentRequest[]
}

const fileOf = (name: string): string => join(folder, `${name}.json`)

export const readRecording = (name: string): Recording => JSON.parse(readFileSync(fileOf(name), 'utf8'))

/** Runs an example where its packages are installed, between it and the server at `url`, and writes what it sent. */
export async function record(name: string, example: string, { url, packages }: { url: string; packages: string }) {
  const requests: SentRequest[] = []
  const between = createServer(async (request, response) => {
    const body = await text(request)
    requests.push({ path: request.url ?? '', body: JSON.parse(body) })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}${request.url}`, { method: 'POST', headers, body })
    response.writeHead(answer.status, headers).end(await answer.text())
  })
  await once(between.listen(0, '127.0.0.1'), 'listening')
  const code = example.replaceAll(
    'http://localhost:8000',
    `http://127.0.0.1:${(between.address() as AddressInfo).port}`,
  )
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: packages, timeout: 30_000 })
  const [[exitCode], printed, complaint] = await Promise.all([
    once(child, 'close'),
    text(child.stdout),
    text(child.stderr),
  ])
  between.close()
  if (exitCode !== 0) throw new Error(`${name} ended with ${exitCode}: ${complaint}`)
  const client = readRecording(name).client
  const recording: Recording = { client, from: 'run', example: example.split('\n'), requests }
  writeFileSync(fileOf(name), `${JSON.stringify(recording, null, 2)}\n`)
  return printed.trimEnd().split('\n')
}
