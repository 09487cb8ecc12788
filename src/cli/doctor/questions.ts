// Questions that are answered by loading foreign or native code. They are asked in a process of their own, so that code
// which crashes or hangs there is a line of the report and not its end.

import { loadAddon } from '../../devices/cpu/addon.js'
import type { DeviceName } from '../../devices/device.js'
import type { NpuProbe } from '../../devices/npu/native.js'
import type { OrtProvider } from '../../devices/ort/ort.js'
import { type SelfTestResult, selfTest } from '../../engine/self-test.js'

export interface Answers {
  cpu: { selected: string; available: readonly string[] }
  ort: { providers: readonly OrtProvider[] }
  sharp: { version: string }
  npu: NpuProbe
  selfTest: SelfTestResult
}

export type Question =
  | { ask: 'cpu' | 'ort' | 'sharp' | 'npu' }
  | { ask: 'selfTest'; device: DeviceName; cacheDir: string }

/** What is sent back: the answer, or why there is none. */
export type Reply<Ask extends keyof Answers> =
  | { answer: Answers[Ask] }
  | { failed: { what: string; why?: string | undefined; do?: string | undefined } }

export async function answerTo(question: Question): Promise<Answers[keyof Answers]> {
  switch (question.ask) {
    case 'cpu':
      return loadAddon().isa()
    case 'ort': {
      const { ortProviders } = await import('../../devices/ort/ort.js')
      return { providers: await ortProviders() }
    }
    case 'sharp': {
      const { default: sharp } = await import('sharp')
      return { version: sharp.versions.sharp ?? 'of an unknown version' }
    }
    case 'npu': {
      const { probeNpu } = await import('../../devices/npu/npu.js')
      return await probeNpu()
    }
    case 'selfTest':
      return await selfTest(question.device, { threads: 1, cacheDir: question.cacheDir })
    default:
      return question satisfies never
  }
}
