import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

function run(command: string, ...args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 28 })
  expect(status, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0)
}

/** Every instruction set that this machine has is compared with plain C++ on random shapes. */
const programs: [name: string, ...args: string[]][] = [['kernels_test'], ['attention_test', '300'], ['executor_test']]

describe('the native code by itself', () => {
  it.each(programs)('%s', (name, ...args) => {
    run(process.execPath, 'scripts/build-native.js', '--tests')
    run(`build/${name}`, ...args)
  })

  describe.each(['address', 'undefined', 'thread'])('under the %s sanitizer', (sanitizer) => {
    it.each(programs)('%s', (name, ...args) => {
      run(process.execPath, 'scripts/build-native.js', '--tests', `--sanitize=${sanitizer}`)
      run(`build/${sanitizer}/${name}`, ...args)
    })
  })
})
