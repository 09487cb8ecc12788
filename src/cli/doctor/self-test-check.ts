// Whether the chosen device computes right, as a line of the report.

import type { DeviceName } from '../../devices/device.js'
import { temporaryFolder } from '../../engine/throughput/temporary-folder.js'
import { ask } from './ask.js'
import type { Check } from './check.js'

/** On an npu a small model is compiled first. */
const timeoutMs = 300_000

export async function selfTestCheck(device: DeviceName, signal: AbortSignal): Promise<Check> {
  const check = { group: 'Self test', name: device } as const
  await using folder = await temporaryFolder()
  const reply = await ask({ ask: 'selfTest', device, cacheDir: folder.path }, { signal, timeoutMs })
  if ('failed' in reply) {
    const { what, why, do: todo } = reply.failed
    return { ...check, state: 'no', found: [what, why].filter(Boolean).join(' '), do: todo }
  }
  const { cosine, largestDifference, passed, seconds } = reply.answer
  const numbers = `cosine ${cosine.toFixed(7)}, largest difference ${largestDifference.toExponential(1)}`
  return {
    ...check,
    state: passed ? 'ok' : 'no',
    found: `a small model against the reference: ${numbers}, ${seconds.toFixed(1)} s`,
    do: passed ? undefined : 'Do not use this device here: report this, with the output of qvl doctor --json.',
  }
}
