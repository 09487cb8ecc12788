// `qvl compile`: makes what an NPU runs from a checkpoint, on any machine with the Ascend toolkit.

import type { CompilePhase } from '../devices/npu/compile.js'
import { formatGear } from '../devices/npu/gears.js'
import { checkSoc } from '../devices/npu/soc.js'
import { type CompiledPart, compileModel } from '../engine/compile-model.js'
import { exitCode, QvlError } from '../errors.js'
import type { Context } from './context.js'
import { writeTo } from './write-to.js'

/** Returns the exit code. Throws USAGE, and what reading a checkpoint and compiling throw. */
export async function compile(context: Context): Promise<number> {
  const { settings, stdout, progress, messages, interrupt, signal } = context
  const { dtype, 'host-cpu': hostCpu } = settings
  const soc = socOf(context)
  interrupt.explain = 'stopping; nothing is kept of what is not compiled yet'
  const parts = await compileModel({
    model: modelOf(context),
    soc,
    revision: settings.revision,
    downloadDir: settings['download-dir'],
    dtype: dtype === 'float' ? 'float32' : dtype === 'half' ? 'float16' : dtype,
    maxModelLen: settings['max-model-len'],
    hfOverrides: settings['hf-overrides'],
    convert: settings.convert === 'none' ? 'auto' : settings.convert,
    gears: settings['npu-gears'],
    visionGears: settings['npu-vision-gears'],
    atc: settings.atc,
    hostCpu: hostCpu === 'auto' ? undefined : hostCpu,
    signal,
    warn: (message) => messages.warn(message),
    onDownload: (event) => progress.download(event),
    onPhase: phaseReporter((message) => {
      progress.clear()
      messages.note(message)
    }),
  })
  progress.clear()
  const text = settings.json ? `${JSON.stringify(parts.map(partJson), undefined, 2)}\n` : parts.map(partText).join('')
  await writeTo(stdout, text)
  return exitCode.ok
}

function modelOf({ settings, operands }: Context): string {
  const [operand, extra] = operands
  const model = operand ?? settings.model
  if (model !== undefined && extra === undefined) return model
  throw new QvlError('USAGE', {
    what: model === undefined ? 'No model is named.' : `qvl compile takes one model, not ${JSON.stringify(extra)} too.`,
    why: 'A checkpoint is compiled at a time.',
    do: 'Name a folder or an id, such as qvl compile Qwen/Qwen3-Embedding-0.6B --soc-version Ascend910B4.',
    param: 'model',
  })
}

function socOf({ settings }: Context): string {
  const { device, 'soc-version': soc } = settings
  if (device !== 'auto' && device !== 'npu') {
    throw new QvlError('USAGE', {
      what: `Nothing is compiled for the device ${device}.`,
      why: 'It takes checkpoints as they are.',
      do: 'Use --device npu, or leave the flag out.',
      param: '--device',
    })
  }
  if (soc !== undefined) return checkSoc(soc)
  throw new QvlError('USAGE', {
    what: 'The chip is not named.',
    why: 'A model is compiled for one kind of chip.',
    do: 'Give it with --soc-version, such as Ascend910B4; `qvl doctor` shows it on the machine with the NPU.',
    param: '--soc-version',
  })
}

/** One line for each phase of each part. */
function phaseReporter(say: (message: string) => void): (part: CompiledPart['part'], phase: CompilePhase) => void {
  const said = new Set<string>()
  return (part, phase) => {
    const message =
      phase.phase === 'weights'
        ? `${part}: writing ${gigabytes(phase.total)} of weights for the compiler`
        : `${part}: compiling, which takes minutes; atc writes to ${phase.log}`
    if (!said.has(message)) say(message)
    said.add(message)
  }
}

function partText({ part, omPath, cached, expectedWaste, facts }: CompiledPart): string {
  const { soc, products, atcVersion, bytes, layout } = facts
  return (
    `${part}: ${omPath}${cached ? ' (was there already)' : ''}\n` +
    `  for ${soc}, ${products}, ${gigabytes(bytes)}, atc ${atcVersion}\n` +
    `  gears ${layout.gears.map(formatGear).join(', ')}\n` +
    `  about ${Math.round(100 * expectedWaste)} % of rows are padding for sequences of many lengths\n`
  )
}

const partJson = ({ part, omPath, weightDir, cached, expectedWaste, facts }: CompiledPart) => ({
  part,
  om: omPath,
  weights: weightDir ?? null,
  cached,
  soc: facts.soc,
  dtype: facts.products,
  host_cpu: facts.hostCpu,
  atc_version: facts.atcVersion,
  bytes: facts.bytes,
  gears: facts.layout.gears,
  expected_waste: expectedWaste,
})

const gigabytes = (bytes: number): string =>
  bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
