import { createServer, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { expectFailure, expectFiles, place, single } from './place.js'

interface Proxy {
  url: string
  /** Where it was asked to connect to. */
  targets: Set<string>
}

/** A proxy for tunnels and for plain requests. */
async function startProxy(): Promise<Proxy> {
  const targets = new Set<string>()
  const server = createServer((incoming, outgoing) => {
    const { method, headers, url = '' } = incoming
    targets.add(new URL(url).host)
    const forwarded = request(url, { method, headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(outgoing)
    })
    incoming.pipe(forwarded)
  })
  server.on('connect', ({ url = '' }, client) => {
    targets.add(url)
    const [host, port] = url.split(':')
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      target.pipe(client).pipe(target)
    })
    for (const socket of [target, client]) socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, targets }
}

describe('a proxy in the environment', () => {
  it.each(['http_proxy', 'HTTP_PROXY'])('is used: %s', async (name) => {
    const { hub, locate } = await place()
    const proxy = await startProxy()
    const { dir } = await locate(single, { env: { [name]: proxy.url } })
    expectFiles(dir, hub.repositories.get(single)!)
    expect([...proxy.targets]).toEqual([new URL(hub.url).host])
  })

  it('is left aside for the hosts in NO_PROXY', async () => {
    const { locate } = await place()
    const proxy = await startProxy()
    await locate(single, { env: { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } })
    expect([...proxy.targets]).toEqual([])
  })

  it('that is no address is refused', async () => {
    const { hub, locate } = await place()
    await expectFailure(() => locate(single, { env: { HTTP_PROXY: 'http://' } }), 'USAGE', 'proxy')
    expect(hub.requests).toEqual([])
  })
})
