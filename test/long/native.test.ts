import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { compileSmall } from '../devices/npu/small-model.js'
import { describeSoftware, SoftwareAscend } from '../npu/software.js'

const root = fileURLToPath(new URL('../..', import.meta.url))

function run(command: string, args: readonly string[], env: Record<string, string> = {}): void {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 28,
    timeout: 600_000,
  })
  expect(status, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0)
}

/** Into build/, or into build/SANITIZER/. */
function build(sanitizer?: string): void {
  run(process.execPath, ['scripts/build-native.js', '--tests', ...(sanitizer ? [`--sanitize=${sanitizer}`] : [])])
}

const sanitizers = ['address', 'undefined', 'thread']

/** Every instruction set that this machine has is compared with plain C++ on random shapes. */
const programs: [name: string, ...args: string[]][] = [['kernels_test'], ['attention_test', '300'], ['executor_test']]

describe('the native code by itself', () => {
  it.each(programs)('%s', (name, ...args) => {
    build()
    run(`build/${name}`, args)
  })

  describe.each(sanitizers)('under the %s sanitizer', (sanitizer) => {
    it.each(programs)('%s', (name, ...args) => {
      build(sanitizer)
      run(`build/${sanitizer}/${name}`, args)
    })
  })
})

describeSoftware('the native code of npu by itself', () => {
  /** What ONNX Runtime keeps to its end is no leak of ours. */
  const lsan = { LSAN_OPTIONS: `suppressions=${fileURLToPath(new URL('onnxruntime.supp', import.meta.url))}` }

  it.each([undefined, ...sanitizers])('device_test, sanitizer: %s', (sanitizer) => {
    build(sanitizer)
    const software = new SoftwareAscend({}, sanitizer)
    try {
      const program = sanitizer === undefined ? 'build/device_test' : `build/${sanitizer}/device_test`
      const env = { ...software.environment, ...lsan }
      for (const seed of ['1', '2', '3']) run(program, [software.library, compileSmall(software), seed], env)
      expect(software.report()).toEqual([])
    } finally {
      software.remove()
    }
  })

  const addonTests = ['addon', 'addon-lifetime', 'addon-faults'].map((name) => `test/devices/npu/${name}.test.ts`)

  /** Node itself is not built with it: its library has to be there first, and what Node keeps to its end is no leak. */
  it.each(['address', 'undefined'])('the addon in Node, sanitizer: %s', (sanitizer) => {
    build(sanitizer)
    const library = spawnSync('gcc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).stdout.trim()
    run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...addonTests], {
      QVL_TEST_NPU_ADDON: fileURLToPath(new URL(`../../build/${sanitizer}/qvl_npu.node`, import.meta.url)),
      ...(sanitizer === 'address' && { LD_PRELOAD: library, ASAN_OPTIONS: 'detect_leaks=0' }),
    })
  })
})
