// The package as a program sees it: its exports, its types, its native code, and a process that ends by itself.

import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasAddon } from '#qvl/devices/cpu/addon.js'
import { goldenPath } from '../support/golden.js'
import { consumerFolder, makeRelease, packedFiles, platform, root, run } from '../support/release.js'

let folder: string
let withNative: string
let withoutNative: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'qvl-package-'))
  withNative = join(folder, 'with')
  withoutNative = join(folder, 'without')
  const release = join(folder, 'release')
  await makeRelease(release)
  await consumerFolder(withNative, release, ['qvl', `@qvl/${platform}`])
  await consumerFolder(withoutNative, release, ['qvl'])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const node = (cwd: string, args: readonly string[]) =>
  run(process.execPath, args, { cwd, timeout: 60_000, env: { ...process.env, HF_HUB_OFFLINE: '1' } })

/** Runs a program in the project. */
async function runProgram(cwd: string, text: string): Promise<{ stdout: string; stderr: string }> {
  await writeFile(join(cwd, 'program.js'), text)
  return node(cwd, ['program.js'])
}

const model = JSON.stringify(goldenPath('checkpoints/qwen3-reranker'))

const typed = `import { Engine, type Embedding, type Input, type OpenOptions, QvlError, type Ranking } from 'qvl'
const options: OpenOptions = { model: 'a/model', device: 'cpu', dtype: 'float32' }
await using engine = await Engine.open(options)
const input: Input = { text: 'a text', image: new Uint8Array(3), video: ['one.png', new URL('file:///two.png')] }
const one: Embedding = await engine.embed(input, { role: 'query', dimensions: 8 })
const { vectors } = await engine.embed([input, 'text', { content: [{ type: 'image', image: Buffer.alloc(3) }] }])
const ranking: Ranking = await engine.rerank('a query', [input], { topN: 1, signal: AbortSignal.timeout(1) })
const first: Float32Array | undefined = vectors[0]
if (one.vector === first || ranking.results.length > 0) throw new QvlError('INTERNAL', { what: 'An example.' })
`

/** What the compiler says, with the declaration files checked too. */
async function compile(text: string): Promise<string> {
  await writeFile(join(withNative, 'consumer.ts'), text)
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
  }
  const compilerOptions = {
    ...options,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023', 'esnext.disposable'],
    types: ['node'],
    noEmit: true,
  }
  await writeFile(join(withNative, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }))
  return node(withNative, [join(root, 'node_modules/typescript/bin/tsc'), '-p', '.']).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  )
}

/** Each with its reason. */
const allowed = [
  /^package\.json$/,
  /^README\.md$/,
  /^bin\/qvl\.js$/,
  /^dist\/.*\.js$/,
  // The types of the front door, and no others.
  /^dist\/errors\.d\.ts$/,
  /^dist\/library\/(qvl|engine|answers|input|options)\.d\.ts$/,
  /^templates\/\w+\.jinja$/,
  // For machines that have a compiler and no package with native code.
  /^native\/(cpu|npu)\/(\w+\/)?(?!\w*_test\.)\w+\.(c|cc|h|inl)$/,
  /^scripts\/build-native\.js$/,
]

describe('the package', () => {
  it('holds what is needed, and is small', async () => {
    const { paths, size, unpackedSize } = await packedFiles(root)
    expect(paths.filter((path) => !allowed.some((form) => form.test(path)))).toEqual([])
    for (const path of ['bin/qvl.js', 'dist/cli/main.js', 'dist/library/qvl.js', 'dist/library/qvl.d.ts', 'README.md'])
      expect(paths).toContain(path)
    expect(size).toBeLessThan(1024 ** 2)
    expect(unpackedSize).toBeLessThan(4 * 1024 ** 2)
  })

  it('holds every file that its native sources include', async () => {
    const { paths } = await packedFiles(root)
    const sources = paths.filter((path) => path.startsWith('native/'))
    const included = sources.flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(/^\s*#include "([^"]+)"/gm)].map(([, name = '']) =>
        posix.join(posix.dirname(path), name),
      ),
    )
    expect(included.length).toBeGreaterThan(50)
    expect([...new Set(included)].filter((path) => !paths.includes(path))).toEqual([])
  })

  it('passes publint, as it is here and as it is released', async () => {
    for (const pkgDir of [root, join(folder, 'release/qvl')]) {
      const { messages } = await publint({ pkgDir, pack: false, strict: true })
      expect(messages).toEqual([])
    }
  })

  it('has types that a strict program compiles with', async () => {
    expect(await compile(typed)).toBe('')
    expect(await compile(typed.replace("device: 'cpu'", "device: 'gpu'"))).toContain('TS2322')
  })

  it('offers nothing but its front door', async () => {
    const inner = runProgram(withNative, "await import('qvl/dist/engine/engine.js')")
    await expect(inner).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
    const { stdout } = await runProgram(withNative, "console.log(Object.keys(await import('qvl')).join())")
    expect(stdout).toBe('Engine,QvlError\n')
  })
})

describe('a program', () => {
  const rerank = `import { Engine } from 'qvl'
const engine = await Engine.open({ model: ${model} })
const { results } = await engine.rerank('a query', ['one', 'two'], { topN: 1 })
await engine.close()
console.log(engine.model.device, results.length)`

  it.runIf(hasAddon())('uses the native code of its platform package, and ends by itself', async () => {
    const { stdout, stderr } = await runProgram(withNative, rerank)
    expect(stdout).toBe('cpu 1\n')
    expect(stderr).toBe('')
  })

  it('may be given on the command line', async () => {
    const onOrt = rerank.replace('{ model:', "{ device: 'ort', model:")
    const { stdout } = await node(withoutNative, ['--input-type=module', '-e', onOrt])
    expect(stdout).toBe('ort 1\n')
  })

  it('uses ONNX Runtime where there is no native code, says so, and ends by itself', async () => {
    const { stdout, stderr } = await runProgram(withoutNative, rerank)
    expect(stdout).toBe('ort 1\n')
    expect(stderr).toContain('QvlWarning: The cpu device is not built here; computing with ONNX Runtime')
  })
})
