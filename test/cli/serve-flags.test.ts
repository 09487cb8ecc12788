import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessOptions, tlsOptions } from '#qvl/cli/serve-access.js'
import { limitFlags } from '#qvl/cli/serve-limit-flags.js'
import { servedEngineOptions } from '#qvl/cli/serve-model.js'
import { listenAt, modelOf, rootPathOf, serverLimits } from '#qvl/cli/serve-options.js'
import { readSettings } from '#qvl/cli/settings.js'
import { defaultLimits, limitTable } from '#qvl/server/limits.js'
import { openLog } from '#qvl/server/log.js'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'qvl-serve-flags-'))
})
afterAll(() => rm(dir, { recursive: true }))

const read = (...args: string[]) => readSettings('serve', args, { HOME: '/nonexistent' })
const log = openLog({ format: 'text', level: 'error', write: () => {} })

describe('where to listen', () => {
  const cases: { args: string[]; at: object }[] = [
    { args: [], at: { host: '127.0.0.1', port: 8000 } },
    { args: ['--host', '0.0.0.0', '--port', '80'], at: { host: '0.0.0.0', port: 80 } },
    { args: ['--uds', '/run/qvl.sock', '--port', '80'], at: { socketPath: '/run/qvl.sock' } },
  ]
  it.each(cases)('$args', async ({ args, at }) => {
    expect(listenAt((await read(...args)).settings)).toEqual(at)
  })

  const rootPaths = [
    ['qvl', '/qvl'],
    ['/qvl/', '/qvl'],
    ['/', ''],
  ]
  it.each(rootPaths)('--root-path %s', async (given, expected) => {
    expect(rootPathOf((await read('--root-path', given!)).settings)).toBe(expected)
  })
})

describe('the model', () => {
  const cases: { args: string[]; model: string | undefined }[] = [
    { args: ['org/model'], model: 'org/model' },
    { args: ['--model', 'org/model', '--runner', 'pooling'], model: 'org/model' },
    { args: ['--served-model-name', 'a', 'b', '--model', 'org/model'], model: 'org/model' },
    { args: [], model: undefined },
    { args: ['one', 'two'], model: undefined },
  ]
  it.each(cases)('$args', async ({ args, model }) => {
    const { settings, operands } = await read(...args)
    if (model === undefined)
      expect(() => modelOf(settings, operands)).toThrow(expect.objectContaining({ code: 'USAGE' }))
    else expect(modelOf(settings, operands)).toBe(model)
  })

  it('takes its name from the config file, below the command line', async () => {
    const file = path.join(dir, 'config.yaml')
    await writeFile(file, 'model: org/model\nport: 81\nserve:\n  host: 0.0.0.0\nserved_model_name: [a, b]\n')
    const { settings, operands } = await read('--config', file, '--port', '82')
    expect(modelOf(settings, operands)).toBe('org/model')
    expect(listenAt(settings)).toEqual({ host: '0.0.0.0', port: 82 })
    expect(settings['served-model-name']).toEqual(['a', 'b'])
  })

  const tasks: { args: string[]; convert: string | undefined }[] = [
    { args: [], convert: 'auto' },
    { args: ['--convert', 'none'], convert: 'auto' },
    { args: ['--task', 'score'], convert: 'classify' },
    { args: ['--task', 'embed', '--convert', 'classify'], convert: 'classify' },
    { args: ['--pooler-config', '{"task": "embed"}'], convert: 'embed' },
    { args: ['--pooler-config.task', 'classify'], convert: 'classify' },
    { args: ['--pooler-config.pooling_type', 'LAST', '--pooler-config.use_activation', 'true'], convert: 'auto' },
    { args: ['--task', 'generate'], convert: undefined },
    { args: ['--pooler-config.pooling_type', 'STEP'], convert: undefined },
  ]
  it.each(tasks)('$args', async ({ args, convert }) => {
    const { settings } = await read('--device', 'reference', ...args)
    const options = servedEngineOptions(settings, 'org/model', () => {})
    if (convert === undefined) await expect(options).rejects.toMatchObject({ code: 'USAGE' })
    else expect((await options).convert).toBe(convert)
  })

  it.each<[args: string[], pooling: string | undefined, lateInteraction: boolean | undefined]>([
    [[], undefined, undefined],
    [['--pooler-config', '{"pooling_type": "CLS"}'], 'first', undefined],
    [['--pooler-config.seq_pooling_type', 'MEAN', '--pooler-config.task', 'embed'], 'mean', false],
    [['--pooler-config', '{"task": "token_embed"}'], undefined, true],
  ])('%j say how vectors are made', async (args, pooling, lateInteraction) => {
    const { settings } = await read('--device', 'reference', ...args)
    const options = await servedEngineOptions(settings, 'org/model', () => {})
    expect(options.pooling).toBe(pooling)
    expect(options.lateInteraction).toBe(lateInteraction)
  })

  it('keeps prefixes unless it is told not to', async () => {
    const bytes = async (...args: string[]) =>
      (await servedEngineOptions((await read('--device', 'reference', ...args)).settings, 'm', () => {}))
        .prefixCacheBytes
    expect(await bytes()).toBeGreaterThan(0)
    expect(await bytes('--kv-cache-memory-bytes', '2G')).toBe(2 * 1024 ** 3)
    expect(await bytes('--no-enable-prefix-caching')).toBe(0)
  })
})

describe('limits', () => {
  it('each has a flag of its own or none, a value and a reason', () => {
    const flags = Object.values(limitTable).flatMap(({ flag }) => (flag === 'none' ? [] : [flag]))
    expect(new Set(flags).size).toBe(flags.length)
    expect(limitFlags.map(({ name }) => name)).toEqual(flags)
    for (const { value, reason } of Object.values(limitTable))
      expect([value > 0, reason.length > 10]).toEqual([true, true])
  })

  it('are changed by their flags', async () => {
    const { settings } = await read('--max-body-bytes', '2M', '--drain-delay', '0', '--request-timeout', '1.5')
    const limits = serverLimits(settings, {}, log)
    const changed = { maxBodyBytes: 2 * 1024 ** 2, drainDelaySeconds: 0, requestSeconds: 1.5 }
    expect(limits).toEqual({ ...defaultLimits, ...changed })
  })

  it("know vLLM's variable for idle connections, below the flag", async () => {
    const env = { VLLM_HTTP_TIMEOUT_KEEP_ALIVE: '9' }
    expect(serverLimits((await read()).settings, env, log).keepAliveSeconds).toBe(9)
    const { settings } = await read('--keep-alive-timeout', '7')
    expect(serverLimits(settings, env, log).keepAliveSeconds).toBe(7)
  })
})

describe('keys', () => {
  it('come from the flag, a file and the environment', async () => {
    const file = path.join(dir, 'keys')
    await writeFile(file, 'third\r\n\nfourth\n')
    const { settings } = await read('--api-key', 'first', 'second', '--api-key-file', file)
    const { apiKeys } = await accessOptions(settings, { VLLM_API_KEY: 'fifth' })
    expect(apiKeys).toEqual(['first', 'second', 'fifth', 'third', 'fourth'])
  })

  const bad: { name: string; args: string[]; text?: string }[] = [
    { name: 'no file', args: ['--api-key-file', '/nonexistent/keys'] },
    { name: 'an empty file', args: [], text: '\n' },
    { name: 'a key of two words', args: [], text: 'two words' },
  ]
  it.each(bad)('$name is refused', async ({ args, text }) => {
    const file = path.join(dir, 'bad-keys')
    if (text !== undefined) await writeFile(file, text)
    const { settings } = await read(...(text === undefined ? args : ['--api-key-file', file]))
    await expect(accessOptions(settings, {})).rejects.toMatchObject({
      code: 'USAGE',
      details: { param: expect.stringMatching(/^--api-key/) },
    })
  })
})

describe('origins', () => {
  const cases: { given: string; origins: string[] | undefined }[] = [
    { given: '["https://a", "https://b"]', origins: ['https://a', 'https://b'] },
    { given: '["*"]', origins: ['*'] },
    { given: 'https://a', origins: ['https://a'] },
    { given: '[1]', origins: undefined },
    { given: '["https://a"', origins: undefined },
  ]
  it.each(cases)('$given', async ({ given, origins }) => {
    const options = accessOptions((await read('--allowed-origins', given)).settings, {})
    if (origins === undefined) await expect(options).rejects.toMatchObject({ code: 'USAGE' })
    else expect((await options).allowedOrigins).toEqual(origins)
  })
})

describe('TLS', () => {
  it('needs a certificate', async () => {
    expect(await tlsOptions((await read()).settings)).toBeUndefined()
    await expect(tlsOptions((await read('--ssl-keyfile', 'x')).settings)).rejects.toMatchObject({ code: 'USAGE' })
    await expect(tlsOptions((await read('--ssl-certfile', '/nonexistent')).settings)).rejects.toMatchObject({
      code: 'USAGE',
    })
  })
})

describe('flags of vLLM that do nothing here', () => {
  it('each says so in a line', async () => {
    const { notes } = await read(
      'm',
      '--gpu-memory-utilization',
      '0.9',
      '-tp',
      '2',
      '--trust-remote-code',
      '-O3',
      '--mm-encoder-tp-mode',
      'data',
      '--cudagraph-capture-sizes',
      '1',
      '2',
      '--async-scheduling',
    )
    expect(notes).toHaveLength(7)
    for (const note of notes) expect(note).toMatch(/^--[\w-]+ has no effect: .*\.$/)
  })

  it('an unknown one is an error with the nearest name', async () => {
    await expect(read('m', '--served-modle-name', 'x')).rejects.toMatchObject({
      details: { do: 'Did you mean --served-model-name?' },
    })
  })
})
