// Builds the software AscendCL for tests, and says how a process is started with it.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'
import { hasNpuAddon } from '#qvl/devices/npu/addon.js'

const here = fileURLToPath(new URL('.', import.meta.url))

/** What the software AscendCL is told to be, and to do wrong. */
export interface Knobs {
  /** `Ascend910B4` when absent. */
  soc?: string
  /** 1 when absent. */
  devices?: number
  /** Of each device; 32 GiB when absent. */
  memoryBytes?: number
  /** Milliseconds more for each execution. */
  delayMs?: number
  /**
   * The nth call of a function from now on (all of them when 0) returns `code`, with a text of AscendCL. With `device`, only
   * calls of threads that have opened that device count.
   */
  fail?: readonly { call: string; device?: number; nth?: number; code: number; text?: string }[]
  /** The device is lost at its nth execution from now on, counted from 1; when it is reset and set again, the first
   *  `failingSets` sets fail (-1: all of them, 0 when absent). */
  lose?: { device: number; execution: number; failingSets?: number }
}

/** Why it cannot be used here, or undefined. */
export const softwareMissing: string | undefined = whatIsMissing()

/** A group of tests that is skipped, and says why, where the software AscendCL cannot be built. */
export function describeSoftware(name: string, body: () => void): void {
  describe.skipIf(softwareMissing !== undefined)(softwareMissing ? `${name} (skipped: ${softwareMissing})` : name, body)
}

export class SoftwareAscend {
  /** The shared library; `library` of the addon's calls. */
  readonly library: string
  /** A folder for the test's own files. */
  readonly folder: string
  /**
   * For a child process: qvl finds the library under ASCEND_HOME_PATH, and atc on the PATH. For this process, see
   * `applyHere`.
   */
  readonly environment: Record<string, string>
  /** The stand-in for atc. */
  readonly atc = join(here, 'atc.js')
  readonly #control: string
  readonly #report: string

  /** With `sanitizer`, for programs that were built with it too: address, thread or undefined. */
  constructor(knobs: Knobs = {}, sanitizer?: string) {
    this.folder = mkdtempSync(join(tmpdir(), 'qvl-npu-'))
    const home = join(this.folder, 'cann')
    mkdirSync(join(home, 'lib64'), { recursive: true })
    mkdirSync(join(home, 'bin'))
    this.library = join(home, 'lib64/libascendcl.so')
    symlinkSync(builtLibrary(sanitizer), this.library)
    symlinkSync(this.atc, join(home, 'bin/atc'))
    this.#control = join(this.folder, 'control')
    this.#report = join(this.folder, 'report')
    this.environment = {
      ASCEND_HOME_PATH: home,
      PATH: `${join(home, 'bin')}${delimiter}${process.env.PATH ?? ''}`,
      SOFTWARE_ASCENDCL_CONTROL: this.#control,
      SOFTWARE_ASCENDCL_REPORT: this.#report,
      SOFTWARE_ASCENDCL_ORT: ortLibrary(),
      SOFTWARE_ATC_STORE: join(this.folder, 'onnx'),
      SOFTWARE_ATC_LOG: join(this.folder, 'atc.log'),
    }
    this.set(knobs)
  }

  /** Sets the environment of this process. The library reads it once, so one of these serves a whole test file. */
  applyHere(): this {
    Object.assign(process.env, this.environment)
    return this
  }

  /** From its next call on, in all processes that were started with it. What is absent is as at the beginning. */
  set(knobs: Knobs): void {
    const { fail = [], lose } = knobs
    const lines = [
      `soc ${knobs.soc ?? 'Ascend910B4'}`,
      `devices ${knobs.devices ?? 1}`,
      ...(knobs.memoryBytes === undefined ? [] : [`memory ${knobs.memoryBytes}`]),
      `delay ${knobs.delayMs ?? 0}`,
      ...fail.map(
        ({ call, device = -1, nth = 1, code, text = 'injected' }) => `fail ${call} ${device} ${nth} ${code} ${text}`,
      ),
      ...(lose === undefined ? [] : [`lose ${lose.device} ${lose.execution} ${lose.failingSets ?? 0}`]),
    ]
    // A file of its own takes the place of the old one, so that nobody reads half of it.
    writeFileSync(`${this.#control}.new`, `${lines.join('\n')}\n`)
    renameSync(`${this.#control}.new`, this.#control)
  }

  /** What was forbidden, and what was left behind; a line each. */
  report(): string[] {
    return existsSync(this.#report) ? readFileSync(this.#report, 'utf8').split('\n').filter(Boolean) : []
  }

  clearReport(): void {
    rmSync(this.#report, { force: true })
  }

  /** The arguments of every call of atc so far. */
  atcCalls(): string[][] {
    const file = join(this.folder, 'atc.log')
    return existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter(Boolean)
          .map((line) => JSON.parse(line))
      : []
  }

  /** Deletes its files. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function compiler(): string | undefined {
  const candidates = process.env.CC ? [process.env.CC] : ['cc', 'gcc', 'clang']
  return candidates.find((candidate) => spawnSync(candidate, ['--version']).status === 0)
}

/** The one that onnxruntime-node loads. */
function ortLibrary(): string {
  const root = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'))
  return join(root, `bin/napi-v6/linux/${process.arch}/libonnxruntime.so.1`)
}

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'AscendCL is for Linux'
  if (!hasNpuAddon()) return 'build/qvl_npu.node was not built'
  if (compiler() === undefined) return 'there is no C compiler'
  try {
    return existsSync(ortLibrary()) ? undefined : 'onnxruntime-node has no library for this system'
  } catch {
    return 'onnxruntime-node is not installed'
  }
}

/** Built once for each state of its sources: other test files may be using the one that is there. */
function builtLibrary(sanitizer?: string): string {
  const folder = join(here, 'software-ascendcl')
  const sources = readdirSync(folder).filter((file) => file.endsWith('.c'))
  const files = [...readdirSync(folder).map((file) => join(folder, file)), join(here, '../../native/npu/acl.h')]
  const args = ['-std=c11', '-D_GNU_SOURCE', '-O1', '-g', '-Wall', '-Wextra', '-fPIC', '-shared', '-pthread']
  if (sanitizer !== undefined) args.push(`-fsanitize=${sanitizer}`)
  const hash = createHash('sha256').update(args.join(' '))
  for (const file of files) hash.update(`${file}\0`).update(readFileSync(file))
  const key = hash.digest('hex').slice(0, 16)
  const library = join(tmpdir(), `qvl-software-ascendcl-${key}.so`)
  if (existsSync(library)) return library
  const temporary = `${library}.${process.pid}`
  const { status, stderr } = spawnSync(
    compiler() ?? 'cc',
    [...args, ...sources.map((file) => join(folder, file)), '-o', temporary, '-ldl'],
    { encoding: 'utf8' },
  )
  if (status !== 0 || stderr !== '') throw new Error(`The software AscendCL does not compile:\n${stderr}`)
  renameSync(temporary, library)
  return library
}
