// Measures how many requests a second the load generator of `qvl bench serve` sends, against a server that does nothing.
//   node scripts/bench-client.js [requests] [concurrency]

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const answer = JSON.stringify({ object: 'list', data: [{ embedding: [0.5] }], usage: { prompt_tokens: 8 } })
const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${answer.length}\r\n\r\n`

if (process.argv[2] === 'server') serve()
else await measure(Number(process.argv[2] ?? 100_000), Number(process.argv[3] ?? 128))

/** Answers every packet, which is what a small request is. */
function serve() {
  const server = createServer((socket) => {
    socket.on('data', () => socket.write(head + answer))
    socket.on('error', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1', () => process.send(server.address().port))
  process.on('disconnect', () => process.exit())
}

async function measure(numRequests, maxConcurrency) {
  const { LoadRun } = await import('../dist/bench/load/run.js')
  const { Target } = await import('../dist/bench/load/target.js')
  const server = fork(fileURLToPath(import.meta.url), ['server'])
  const [port] = await once(server, 'message')
  const target = new Target({
    baseUrl: `http://127.0.0.1:${port}`,
    endpoint: '/v1/embeddings',
    headers: {},
    insecure: false,
    requestIdPrefix: 'bench-',
    maxConnections: maxConcurrency,
    timeoutMs: 60_000,
  })
  const body = Buffer.from(JSON.stringify({ model: 'm', input: 'a short text', truncate_prompt_tokens: -1 }))
  // The first run lets the compiler finish.
  for (const name of ['first run ', 'second run']) {
    const { signal } = new AbortController()
    const due = new Float64Array(numRequests)
    const run = new LoadRun({ target, numRequests, bodyOf: () => body, due, maxConcurrency, signal })
    const before = process.cpuUsage()
    await run.run()
    const { user, system } = process.cpuUsage(before)
    const { numCompleted, numFailed } = run.records
    const rate = (1000 * numCompleted) / run.elapsedMs
    const cpu = (user + system) / 1e6
    console.log(
      `${name}: ${Math.round(rate)} req/s, ${numFailed} failed, ${((1e6 * cpu) / numRequests).toFixed(1)} µs of cpu each`,
    )
  }
  await target.close()
  server.disconnect()
}
