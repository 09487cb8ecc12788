// `qvl doctor`: what works on this machine and why the rest does not, on one screen.

import type { DeviceName } from '../devices/device.js'
import { chooseDevice } from '../devices/open-device.js'
import { exitCode, QvlError } from '../errors.js'
import type { Context } from './context.js'
import { ascendChecks } from './doctor/ascend.js'
import type { Check } from './doctor/check.js'
import { deviceChecks } from './doctor/devices.js'
import { fileChecks } from './doctor/files.js'
import { reportText, type Verdict } from './doctor/report.js'
import { selfTestCheck } from './doctor/self-test-check.js'
import { mediaChecks, systemChecks } from './doctor/system.js'
import { packageVersion } from './help.js'
import { writeTo } from './write-to.js'

/** Returns 0 when the chosen device would work, else 1. Throws USAGE, OUTPUT_UNWRITABLE. */
export async function doctor({ settings, operands, stdout, terminal, signal }: Context): Promise<number> {
  checkOperands(operands)
  const device = chooseDevice(settings.device, () => {})
  const wanted = device === 'npu'
  const groups = await Promise.all([
    systemChecks(signal),
    mediaChecks(settings['ffmpeg-path'] ?? 'ffmpeg', signal),
    fileChecks(settings['download-dir']),
    deviceChecks(signal),
    ascendChecks({ wanted, env: process.env, signal }),
  ])
  const checks = groups.flat()
  checks.push(await testOf(device, checks, signal))
  const works = checks.every((check) => check.state !== 'no' || !decides(check, device))
  const verdict: Verdict = { version: packageVersion(), device, works, checks }
  const text = settings.json ? `${JSON.stringify(verdict, undefined, 2)}\n` : reportText(verdict, terminal.stdout.color)
  await writeTo(stdout, text)
  return works ? exitCode.ok : exitCode.failed
}

function checkOperands([operand]: readonly string[]): void {
  if (operand === undefined) return
  throw new QvlError('USAGE', {
    what: `qvl doctor takes no ${JSON.stringify(operand)}.`,
    why: 'It looks at this machine, and at no model.',
    do: 'Name a device with --device, or leave it out.',
  })
}

/** A device that cannot be opened is not tested, and neither is one for which nothing can be compiled here. */
async function testOf(device: DeviceName, checks: readonly Check[], signal: AbortSignal): Promise<Check> {
  const skipped = (state: Check['state'], found: string): Check => ({ group: 'Self test', name: device, state, found })
  const failed = checks.find((check) => check.state === 'no' && decides(check, device))
  if (failed !== undefined) return skipped('no', `not done: see ${failed.name} above`)
  const canCompile = checks.some(({ name, state }) => name === 'atc' && state === 'ok')
  if (device === 'npu' && !canCompile) return skipped('note', 'not done: it is compiled by atc, which is not here')
  return await selfTestCheck(device, signal)
}

/** Whether the device cannot work without it. */
function decides({ group, name }: Check, device: DeviceName): boolean {
  if (group === 'Self test') return true
  if (group === 'Devices') return name === device
  return group === 'Ascend' && device === 'npu'
}
