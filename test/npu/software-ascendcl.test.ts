// The software AscendCL notices what the real one forbids: each mistake is made by a program of its own, and is reported.

import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { compileSmall } from '../devices/npu/small-model.js'
import { describeSoftware, SoftwareAscend } from './software.js'

const sources = fileURLToPath(new URL('misuse', import.meta.url))

describeSoftware('the software AscendCL', () => {
  let software: SoftwareAscend
  let omPath: string
  let program: string
  beforeAll(() => {
    software = new SoftwareAscend({ devices: 2 })
    omPath = compileSmall(software)
    program = join(software.folder, 'misuse')
    const files = readdirSync(sources).filter((file) => file.endsWith('.c'))
    const flags = ['-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-pthread', '-o', program]
    const inputs = [...files.map((file) => join(sources, file)), software.library]
    const { status, stderr } = spawnSync(process.env.CC ?? 'cc', [...flags, ...inputs], { encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  })
  beforeEach(() => {
    software.clearReport()
    software.set({ devices: 2, delayMs: 200 })
  })
  afterAll(() => software?.remove())

  /** No line where the library takes it. */
  const mistakes: [name: string, ...report: string[]][] = [
    ['none'],
    ['the main thread', 'forbidden: aclrtGetSocName: called on the main thread'],
    [
      'another thread',
      'forbidden: aclmdlExecuteAsync: this thread has no context',
      'forbidden: aclmdlExecuteAsync: there is no model 1',
    ],
    ['a stream of another context', 'forbidden: aclrtSynchronizeStream: the stream is of another context'],
    ['a destroyed context', 'forbidden: aclrtSetCurrentContext: not one of the contexts, or destroyed already'],
    [
      'a context in use',
      'forbidden: aclrtDestroyContext: it still has a stream',
      'leak: 1 streams at aclrtResetDevice',
      'leak: 1 streams at aclFinalize',
    ],
    ['a busy stream', 'forbidden: aclrtDestroyStream: the stream is still busy'],
    ['not initialised', 'forbidden: aclrtSetDevice: aclInit was not called'],
    ['initialised twice'],
    ['finalised twice', 'forbidden: aclFinalize: aclInit was not called'],
    ['reset twice', 'forbidden: aclrtResetDevice: device 1 is not set'],
    ['not reset', 'forbidden: aclFinalize: device 1 was not reset', 'leak: 1 contexts at aclFinalize'],
    [
      'leaked buffers',
      'leak: 1 data buffers at aclrtResetDevice',
      'leak: 1 pieces of device memory at aclrtResetDevice',
      'leak: 1 pieces of pinned memory at aclrtResetDevice',
      'leak: 1 data buffers at aclFinalize',
      'leak: 1 pieces of device memory at aclFinalize',
      'leak: 1 pieces of pinned memory at aclFinalize',
    ],
    [
      'a leaked model',
      'leak: 1 contexts at aclrtResetDevice',
      'leak: 1 models at aclrtResetDevice',
      'leak: the process ended without aclFinalize',
    ],
    ['not finalised', 'leak: the process ended without aclFinalize'],
    ['two runs at once', 'forbidden: aclmdlExecuteAsync: the model is running already'],
    ['a gear during a run', 'forbidden: aclmdlSetInputDynamicDims: the model is running with another gear'],
    ['a run without a gear', 'forbidden: aclmdlExecuteAsync: no gear was set'],
    ['an unknown gear', 'forbidden: aclmdlSetInputDynamicDims: there is no such gear'],
    ['the gear of another input', 'forbidden: aclmdlSetInputDynamicDims: 0 is not the gear'],
    ['unloading during a run', 'forbidden: aclmdlUnload: the model is running'],
    ['a run after unloading', 'forbidden: aclmdlExecuteAsync: there is no model 2'],
    [
      'a run in another context',
      'forbidden: aclmdlExecuteAsync: model 1 was loaded in another context',
      'forbidden: aclmdlExecuteAsync: the stream is of another context',
    ],
    ['too few buffers', 'forbidden: aclmdlExecuteAsync: 1 buffers for 4 tensors'],
    ['a small output', 'forbidden: aclmdlExecuteAsync: the buffer of out is too small, or gone'],
    ['a destroyed dataset', 'forbidden: aclmdlExecuteAsync: not one of the datasets, or destroyed already'],
    ['a buffer in a dataset', 'forbidden: aclDestroyDataBuffer: a dataset still has the buffer'],
    ['an empty description', 'forbidden: aclmdlGetNumInputs: the description is empty'],
    ['room for fewer gears', 'forbidden: aclmdlGetInputDynamicDims: there is room for 2 gears'],
    ['gears of one input', 'forbidden: aclmdlGetInputDynamicGearCount: the index is not -1'],
    ['an option of another size', 'forbidden: aclmdlSetConfigOpt: 4 bytes for attribute 2'],
    ['loading without a path', 'forbidden: aclmdlLoadWithConfig: neither a file nor its type'],
    ['freed twice', 'forbidden: aclrtFree: no such memory, or freed already'],
    ['freed as the other kind', 'forbidden: aclrtFree: no such memory, or freed already'],
    ['a copy after free', 'forbidden: aclrtMemcpyAsync: outside of device memory'],
    ['free during a copy', 'forbidden: aclrtFree: a stream of the device may still use the memory'],
    ['more than the room', 'forbidden: aclrtMemcpyAsync: 16 bytes do not fit in 8'],
    ["beyond the device's memory", 'forbidden: aclrtMemcpyAsync: outside of device memory'],
    ["beyond the host's memory", 'forbidden: aclrtMemcpyAsync: the memory of the host is not pinned'],
    ['pageable memory', 'forbidden: aclrtMemcpyAsync: the memory of the host is not pinned'],
    ['nothing to copy', 'forbidden: aclrtMemcpyAsync: no bytes to copy'],
    ['nothing to allocate', 'forbidden: aclrtMalloc: no bytes'],
    ['written beside pinned memory', 'forbidden: aclrtFreeHost: something was written beside the memory'],
    ['a buffer outside of the device', 'forbidden: aclCreateDataBuffer: the buffer is outside of device memory'],
  ]
  it.each(mistakes)('%s', (name, ...report) => {
    const { status, stdout, stderr } = spawnSync(program, [name, omPath], {
      encoding: 'utf8',
      env: { ...process.env, ...software.environment },
      timeout: 20_000,
    })
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(software.report()).toEqual(report)
  })
})
