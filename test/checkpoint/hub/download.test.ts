import { execFile } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { HubLimits } from '#qvl/checkpoint/hub/limits.js'
import { expectFailure, expectFiles, filesBelow, type Place, place, single } from './place.js'
import { etagOf, type Fault, goldenRepository, quickLimits, startHub } from './server.js'

const weights = 'model.safetensors'
const weightBytes = goldenRepository('qwen3-reranker').files.get(weights)!
const blobsOf = ({ home }: Place): string => join(home, 'hub/models--tiny--qwen3-reranker/blobs')
const unfinished = `${etagOf(weights, weightBytes)}.qvl.incomplete`

/** The Range headers of the requests for a file's bytes. */
const rangesOf = ({ hub }: Place, file: string): (string | undefined)[] =>
  hub.requests
    .filter(({ method, url }) => method === 'GET' && url.includes(isWeights(file) ? `content/${file}` : `/${file}`))
    .map(({ range }) => range)

const isWeights = (file: string): boolean => file === weights

async function withFaults(faults: Fault[], file = weights): Promise<Place> {
  const at = await place()
  at.hub.faults.set(file, faults)
  return at
}

async function expectWhole(at: Place, limits: Partial<HubLimits> = {}): Promise<void> {
  const { dir } = await at.locate(single, { limits })
  expectFiles(dir, at.hub.repositories.get(single)!)
  expect(filesBelow(blobsOf(at)).filter((name) => name.includes('incomplete'))).toEqual([])
  expect(filesBelow(join(at.home, 'hub/.locks'))).toEqual([])
}

describe('a download', () => {
  const from = (n: number): string => `bytes=${n}-`
  const cases: [what: string, faults: Fault[], ranges: (string | undefined)[]][] = [
    ['goes on after a cut connection', [{ kind: 'cut', after: 100_000 }], [undefined, from(100_000)]],
    [
      'goes on after more cuts than tries, as long as bytes arrive',
      [1, 2, 3, 4, 5, 6, 7].map(() => ({ kind: 'cut', after: 10_000 })),
      [undefined, ...[1, 2, 3, 4, 5, 6, 7].map((n) => from(n * 10_000))],
    ],
    ['goes on after an answer that ends early', [{ kind: 'short', by: 8 }], [undefined, from(weightBytes.length - 8)]],
    ['starts anew where Range is ignored', [{ kind: 'cut', after: 9 }, { kind: 'ignoreRange' }], [undefined, from(9)]],
    [
      'starts anew where the range is another one',
      [{ kind: 'cut', after: 9 }, { kind: 'wrongRange' }, { kind: 'wrongBytes' }],
      [undefined, from(9), undefined, undefined],
    ],
    [
      'starts anew after status 416',
      [
        { kind: 'cut', after: 9 },
        { kind: 'status', status: 416 },
      ],
      [undefined, from(9), undefined],
    ],
    ['starts anew after wrong bytes', [{ kind: 'wrongBytes' }], [undefined, undefined]],
    [
      'starts anew after wrong bytes before a cut',
      [{ kind: 'wrongBytes' }, { kind: 'cut', after: 50 }],
      [undefined, undefined, from(50)],
    ],
    ['is tried again after status 429', [{ kind: 'status', status: 429 }], [undefined, undefined]],
    ['is tried again after status 503', [{ kind: 'status', status: 503 }], [undefined, undefined]],
  ]
  it.each(cases)('%s', async (_, faults, ranges) => {
    const at = await withFaults(faults)
    await expectWhole(at)
    expect(rangesOf(at, weights)).toEqual(ranges)
  })

  it('checks small files as git does', async () => {
    const at = await withFaults([{ kind: 'wrongBytes' }], 'config.json')
    await expectWhole(at)
    expect(rangesOf(at, 'config.json')).toHaveLength(2)
  })

  it.each([weights, 'config.json'])('gives up when the bytes of %s are always wrong', async (file) => {
    const at = await place()
    at.hub.constantFaults.set(file, { kind: 'wrongBytes' })
    const error = await expectFailure(() => at.locate(single), 'HUB_FILE_CORRUPT', file)
    expect(error.exit).toBe(3)
    expect(rangesOf(at, file)).toHaveLength(2)
    const etag = etagOf(file, at.hub.repositories.get(single)!.files.get(file)!)
    expect(readdirSync(blobsOf(at)).filter((name) => name.startsWith(etag))).toEqual([])
    await expectFailure(() => at.locate(single, { offline: true }), 'MODEL_NOT_FOUND', 'offline')
  })

  it('gives up after five tries without progress', async () => {
    const at = await place()
    at.hub.constantFaults.set(weights, { kind: 'cut', after: 0 })
    const error = await expectFailure(() => at.locate(single), 'HUB_UNAVAILABLE', 'was cut')
    expect(error.exit).toBe(1)
    expect(rangesOf(at, weights)).toHaveLength(5)
  })

  it('gives up on a server that stalls', async () => {
    const at = await withFaults([
      { kind: 'stall', after: 1000 },
      { kind: 'stall', after: 0 },
    ])
    const limits = { idleTimeoutMs: 50, maxTries: 2 }
    await expectFailure(() => at.locate(single, { limits }), 'HUB_UNAVAILABLE', 'stopped answering')
    expect(rangesOf(at, weights).slice(0, 2)).toEqual([undefined, from(1000)])
    await expectWhole(at)
  })

  it('tells that it waits as long as Retry-After asks', async () => {
    const at = await withFaults([{ kind: 'status', status: 429, headers: { 'retry-after': '60' } }])
    const controller = new AbortController()
    const reason = new Error('stop')
    const warnings: string[] = []
    const warn = (message: string): void => {
      warnings.push(message)
      controller.abort(reason)
    }
    await expect(at.locate(single, { signal: controller.signal, warn })).rejects.toBe(reason)
    expect(warnings).toEqual(['Hugging Face answered with status 429. Trying again in 60 s.'])
    await expectWhole(at)
  })

  it('is not lost on status 401 for a file', async () => {
    const at = await withFaults([{ kind: 'status', status: 401 }])
    await expectFailure(() => at.locate(single), 'HUB_UNAUTHORIZED', 'status 401')
    await expectWhole(at)
  })

  it('follows redirects, but not for ever', async () => {
    const at = await place()
    const file = 'tokenizer_config.json'
    const loop = `${at.hub.url}/${single}/resolve/${at.hub.repositories.get(single)!.commit}/${file}`
    at.hub.faults.set(file, [{ kind: 'redirect', to: loop }])
    await expectWhole(at)
    const other = await place()
    other.hub.constantFaults.set(file, { kind: 'redirect', to: loop.replace(at.hub.url, other.hub.url) })
    await expectFailure(() => other.locate(single), 'HUB_UNAVAILABLE', 'redirects more than 5 times')
  })

  it('sends no token after a redirect elsewhere and back', async () => {
    const at = await place()
    const away = await startHub({ [single]: goldenRepository('qwen3-reranker') })
    const home = `/${single}/resolve/${at.hub.repositories.get(single)!.commit}/config.json`
    at.hub.faults.set('config.json', [{ kind: 'redirect', to: away.url + home }])
    away.faults.set('config.json', [{ kind: 'redirect', to: at.hub.url + home }])
    await at.locate(single, { env: { HF_TOKEN: 'hf_secret' } })
    const sent = at.hub.requests.filter(({ method, url }) => method === 'GET' && url === home)
    expect(sent.map(({ authorization }) => authorization)).toEqual(['Bearer hf_secret', undefined])
    expect(away.requests.map(({ authorization }) => authorization)).toEqual([undefined])
  })
})

describe('an unfinished file', () => {
  const cases: [what: string, content: Buffer, ranges: (string | undefined)[]][] = [
    ['is continued', weightBytes.subarray(0, 5000), ['bytes=5000-']],
    ['that is whole is only checked', weightBytes, []],
    ['that is too long is begun anew', Buffer.concat([weightBytes, weightBytes]), [undefined]],
    ['with wrong bytes is begun anew', Buffer.alloc(5000), ['bytes=5000-', undefined]],
  ]
  it.each(cases)('%s', async (_, content, ranges) => {
    const at = await place()
    mkdirSync(blobsOf(at), { recursive: true })
    writeFileSync(join(blobsOf(at), unfinished), content)
    await expectWhole(at)
    expect(rangesOf(at, weights)).toEqual(ranges)
  })

  it('is all that an aborted download leaves, and the next one continues it', async () => {
    const at = await withFaults([{ kind: 'stall', after: 200_000 }])
    const controller = new AbortController()
    const reason = new Error('stop')
    const onDownload = ({ file, received }: { file: string; received: number }): void => {
      if (file === weights && received === 200_000) controller.abort(reason)
    }
    await expect(at.locate(single, { signal: controller.signal, onDownload })).rejects.toBe(reason)
    expect(filesBelow(join(at.home, 'hub')).some((file) => file.includes('snapshots'))).toBe(false)
    expect(filesBelow(join(at.home, 'hub/.locks'))).toEqual([])
    expect(readFileSync(join(blobsOf(at), unfinished)).equals(weightBytes.subarray(0, 200_000))).toBe(true)
    await expectWhole(at)
    expect(rangesOf(at, weights)).toEqual([undefined, 'bytes=200000-'])
  })

  it('an aborted signal starts nothing', async () => {
    const at = await place()
    const reason = new Error('stop')
    await expect(at.locate(single, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(at.hub.requests).toEqual([])
  })
})

describe('several at once', () => {
  it('two calls fetch each file once', async () => {
    const at = await place()
    const [first, second] = await Promise.all([at.locate(single), at.locate(single)])
    expect(second.dir).toBe(first.dir)
    expectFiles(first.dir, at.hub.repositories.get(single)!)
    for (const file of at.hub.repositories.get(single)!.files.keys()) expect(rangesOf(at, file)).toHaveLength(1)
  })

  it('two processes fetch each file once', async () => {
    const at = await place()
    const dirs = await Promise.all([inChild(at), inChild(at)])
    expect(dirs[0]).toBe(dirs[1])
    expectFiles(dirs[0]!, at.hub.repositories.get(single)!)
    for (const file of at.hub.repositories.get(single)!.files.keys()) expect(rangesOf(at, file)).toHaveLength(1)
  })

  it('a process that was killed leaves nothing that stops the next one', async () => {
    const at = await withFaults([{ kind: 'stall', after: 200_000 }])
    const killed = new Promise<void>((resolve) => {
      at.hub.onBody = (file) => {
        if (file === weights) resolve()
      }
    })
    const child = execFile(process.execPath, childArguments(at))
    const exit = new Promise((resolve) => child.once('exit', resolve))
    await killed
    child.kill('SIGKILL')
    await exit
    const locks = filesBelow(join(at.home, 'hub/.locks'))
    expect(locks.some((file) => file.endsWith('.qvl.lock'))).toBe(true)
    at.hub.onBody = undefined
    await expectWhole(at)
  })
})

describe('a cache that cannot be written', () => {
  it('is reported when a file is where a folder has to be', async () => {
    const at = await place()
    writeFileSync(join(at.home, 'hub'), '')
    const error = await expectFailure(() => at.locate(single), 'OUTPUT_UNWRITABLE', [at.home, 'A file is where'])
    expect(error.exit).toBe(1)
  })

  it('is reported when a file may not grow', async () => {
    const at = await place()
    const limited = ['-c', 'ulimit -f 100; exec "$0" "$@"', process.execPath, ...childArguments(at)]
    const { stdout } = await promisify(execFile)('bash', limited)
    expect(stdout).toContain('OUTPUT_UNWRITABLE')
    expect(stdout).toContain('larger than the system allows')
    await expectWhole(at)
  })
})

/** Node's arguments for a process that locates the model and prints its folder, or the error. */
function childArguments({ hub, home }: Place): string[] {
  const module = new URL('../../../dist/checkpoint/locate.js', import.meta.url).href
  const options = { env: { HF_ENDPOINT: hub.url, HF_HOME: home, HOME: home }, limits: quickLimits }
  const script = `
    import { locateCheckpoint } from ${JSON.stringify(module)}
    const located = locateCheckpoint(${JSON.stringify(single)}, ${JSON.stringify(options)})
    console.log(await located.then(({ dir }) => dir, (error) => error.code + ' ' + error.message))`
  return ['--input-type=module', '-e', script]
}

async function inChild(at: Place): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, childArguments(at))
  return stdout.trim()
}
