// What the cpu and ort devices have here.

import { usableCores } from '../../devices/cores.js'
import { ask } from './ask.js'
import type { Check } from './check.js'

export async function deviceChecks(signal: AbortSignal): Promise<Check[]> {
  return await Promise.all([cpuCheck(signal), ortCheck(signal)])
}

async function cpuCheck(signal: AbortSignal): Promise<Check> {
  const reply = await ask({ ask: 'cpu' }, { signal })
  const check = { group: 'Devices', name: 'cpu' } as const
  if ('failed' in reply) return { ...check, state: 'no', found: reply.failed.what, do: reply.failed.do }
  const { selected, available } = reply.answer
  const others = available.filter((name) => name !== selected)
  const also = others.length === 0 ? '' : `; also ${others.join(', ')}`
  return { ...check, state: 'ok', found: `${selected} with ${usableCores()} threads${also}` }
}

async function ortCheck(signal: AbortSignal): Promise<Check> {
  const reply = await ask({ ask: 'ort' }, { signal })
  const check = { group: 'Devices', name: 'ort' } as const
  if ('failed' in reply) return { ...check, state: 'no', found: reply.failed.what, do: reply.failed.do }
  const named = (bundled: boolean): string[] =>
    reply.answer.providers.filter((one) => one.bundled === bundled).map(({ name }) => name)
  const absent = named(false).length === 0 ? '' : `; without ${named(false).join(', ')}`
  if (!named(true).includes('cpu')) return { ...check, state: 'no', found: 'ONNX Runtime without the provider cpu' }
  return { ...check, state: 'ok', found: `ONNX Runtime with ${named(true).join(', ')}${absent}; cpu is used` }
}
