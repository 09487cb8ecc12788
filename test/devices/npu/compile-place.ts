// A golden encoder, compiled by the stand-in for atc into a cache of the test's own.

import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, onTestFinished } from 'vitest'
import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import { type CompileOptions, type CompileResult, compileProgram } from '#qvl/devices/npu/compile.js'
import { type CompiledFor, type CompiledProgram, findCompiled } from '#qvl/devices/npu/compiled.js'
import { type Gear, parseGears } from '#qvl/devices/npu/gears.js'
import { traitsOf } from '#qvl/devices/npu/lower-padded.js'
import { bert } from '#qvl/models/bert.js'
import { temporaryFolder } from '../../checkpoint/folders.js'
import { goldenPath } from '../../support/golden.js'

export const standIn = fileURLToPath(new URL('../../npu/atc.js', import.meta.url))

const { config, weights, fingerprint } = await openCheckpoint(goldenPath('checkpoints/bert-embedding'))
if (config.family !== 'bert') throw new TypeError('not an encoder')
const { program } = bert(config.encoder, weights)

/** The same weights in another graph. */
export const otherProgram = bert({ ...config.encoder, layerNormEps: 1e-3 }, weights).program

export const gearsOf = (text: string): Gear[] => parseGears(text, traitsOf(program))

const asked = { program, weights, fingerprint, soc: 'Ascend910B4', products: 'float32' } as const

/** One for each test of the file. */
export class CompilePlace {
  cacheDir = ''
  /** A line for each call of the stand-in. */
  calls = ''

  constructor() {
    beforeEach(() => {
      const folder = temporaryFolder()
      this.cacheDir = join(folder, 'cache')
      this.calls = join(folder, 'calls')
      setVariable('SOFTWARE_ATC_STORE', join(folder, 'onnx'))
      setVariable('SOFTWARE_ATC_LOG', this.calls)
    })
  }

  compile(changes: Partial<CompileOptions> = {}): Promise<CompileResult> {
    return compileProgram({
      ...asked,
      gears: gearsOf('2x64,1x128'),
      cacheDir: this.cacheDir,
      atc: standIn,
      ...changes,
    })
  }

  find(changes: Partial<CompiledFor> = {}): Promise<CompiledProgram | undefined> {
    return findCompiled({ ...asked, cacheDir: this.cacheDir, ...changes })
  }

  numCalls(): number {
    return existsSync(this.calls) ? readFileSync(this.calls, 'utf8').trim().split('\n').length : 0
  }

  /** Everything below the folder of compiled programs, without the names that are hashes. */
  kept(): string[] {
    if (!existsSync(this.cacheDir)) return []
    return readdirSync(this.cacheDir, { recursive: true, encoding: 'utf8' })
      .filter((name) => !/^npu(\/[0-9a-f]{32}){0,2}$/.test(name))
      .map((name) => basename(name).replace(/^[0-9a-f]{32}/, 'KEY'))
      .sort()
  }

  /** A program that does what the shell script says. */
  program(script: string): string {
    const file = join(mkdtempSync(join(dirname(this.cacheDir), 'bin-')), 'atc')
    writeFileSync(file, `#!/bin/sh\n${script}\n`)
    chmodSync(file, 0o755)
    return file
  }
}

/** Until the test ends. */
export function setVariable(name: string, value: string): void {
  const old = process.env[name]
  process.env[name] = value
  onTestFinished(() => {
    if (old === undefined) delete process.env[name]
    else process.env[name] = old
  })
}
