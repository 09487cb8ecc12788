// What the npu device needs: the driver, the libraries of CANN, devices, and atc to compile with.

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { findAtc } from '../../devices/npu/atc.js'
import type { NpuProbe } from '../../devices/npu/native.js'
import { visibleDevicesWarning } from '../../devices/npu/visible-devices.js'
import { QvlError } from '../../errors.js'
import { ask } from './ask.js'
import type { Check } from './check.js'
import { sizeText } from './size-text.js'
import { outputOf } from './version-of.js'

/** Where the driver and CANN are installed unless someone chose another place. */
const installed = '/usr/local/Ascend'
/** CANN 9, then the versions before it. */
const toolkits = ['cann', 'ascend-toolkit/latest', 'ascend-toolkit', 'nnae/latest']

interface AscendOptions {
  /** Say also what is missing on a machine that has nothing of Ascend's. */
  wanted: boolean
  env: NodeJS.ProcessEnv
  signal: AbortSignal
}

export async function ascendChecks({ wanted, env, signal }: AscendOptions): Promise<Check[]> {
  const home = env.ASCEND_HOME_PATH ?? env.ASCEND_TOOLKIT_HOME
  const isHere = home !== undefined || existsSync(installed)
  if (!isHere && !wanted) return [line('npu', 'no', 'there is no Ascend software on this machine')]
  const [probe, driver, smi, atc] = await Promise.all([
    ask({ ask: 'npu' }, { signal }),
    driverCheck(),
    smiCheck(signal),
    atcCheck(env),
  ])
  const found = 'answer' in probe ? libraryChecks(probe.answer) : [libraryFailed(probe.failed, home)]
  return [driver, smi, ...found, ...visibleCheck(env), atc]
}

const line = (name: string, state: Check['state'], found: string, todo?: string): Check => ({
  group: 'Ascend',
  name,
  state,
  found,
  do: todo,
})

/** Inside a container the file is mounted from the host. */
async function driverCheck(): Promise<Check> {
  const file = `${installed}/driver/version.info`
  const text = await readFile(file, 'utf8').catch(() => undefined)
  const version = /^Version=(\S+)/im.exec(text ?? '')?.[1]
  if (version !== undefined) return line('driver', 'ok', version)
  return line('driver', 'note', `${file} is not here`, 'In a container, mount the driver of the host: docs/ascend.md.')
}

async function smiCheck(signal: AbortSignal): Promise<Check> {
  const text = await outputOf('npu-smi', ['info', '-l'], signal)
  if (text === undefined) return line('npu-smi', 'note', 'not found, or it failed', 'Nothing here needs it.')
  const count = /^\s*(?:Total )?Count\s*:\s*(\d+)/im.exec(text)?.[1]
  return line('npu-smi', 'ok', count === undefined ? 'works' : `works, and lists ${count} NPUs`)
}

function libraryChecks({ library, version, missing, socName, devices }: NpuProbe): Check[] {
  const name = version === undefined ? library : `${library}, version ${version}`
  const lacks = missing.length === 0 ? '' : `, without ${missing.join(', ')}`
  const chips = devices.map(({ id, freeBytes, totalBytes }) =>
    line(`NPU ${id}`, 'ok', `${socName}, ${sizeText(freeBytes)} of ${sizeText(totalBytes)} free`),
  )
  const none = line(
    'devices',
    'no',
    'AscendCL sees none',
    'Check npu-smi info, and the --device flags of the container.',
  )
  return [
    line('AscendCL', missing.length === 0 ? 'ok' : 'note', name + lacks),
    ...(chips.length === 0 ? [none] : chips),
  ]
}

function libraryFailed(
  failed: { what: string; why?: string | undefined; do?: string | undefined },
  home?: string,
): Check {
  const script = toolkits.map((folder) => path.join(installed, folder, 'set_env.sh')).find((file) => existsSync(file))
  const source = home === undefined && script !== undefined ? `Run first: source ${script}` : failed.do
  return line('AscendCL', 'no', [failed.what, failed.why].filter(Boolean).join(' '), source)
}

function visibleCheck({ ASCEND_RT_VISIBLE_DEVICES: list }: NodeJS.ProcessEnv): Check[] {
  const warning = visibleDevicesWarning(list)
  return warning === undefined ? [] : [line('visible', 'note', warning)]
}

async function atcCheck(env: NodeJS.ProcessEnv): Promise<Check> {
  try {
    const { path: file, version } = await findAtc(undefined, env)
    return line('atc', 'ok', version === 'unknown' ? file : `${file}, of ${version}`)
  } catch (error) {
    if (!(error instanceof QvlError)) throw error
    const todo = 'Models that were compiled elsewhere run without it: see qvl compile.'
    return line('atc', 'note', 'not found', todo)
  }
}
