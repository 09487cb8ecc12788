// Finds what a program was compiled to, or has it compiled, and loads it on every card.

import type { WeightTable } from '../../checkpoint/weights.js'
import { QvlError } from '../../errors.js'
import type { Program } from '../../program/program.js'
import type { LoadedProgram, LoadOptions } from '../device.js'
import { SeveralPrograms } from '../several.js'
import type { CardModel, NpuCard } from './card.js'
import { compileProgram } from './compile.js'
import { type CompiledFor, type CompiledProgram, findCompiled } from './compiled.js'
import { defaultGears, defaultMaxRows } from './gears.js'
import { traitsOf } from './lower-padded.js'
import { NpuProgram } from './npu-program.js'
import { productsOn } from './soc.js'

/** Patches of the largest image that is taken without being asked for. */
const defaultMaxPatches = 7_200

interface Loading {
  program: Program
  weights: WeightTable
  cards: readonly NpuCard[]
  socName: string
  options: LoadOptions
}

/** Throws DEVICE_UNAVAILABLE, what compiling throws, and what loading on a card throws. */
export async function loadCompiled({ program, weights, cards, socName, options }: Loading): Promise<LoadedProgram> {
  const products = productsOn(socName, options)
  const { fingerprint, cacheDir } = options
  const wanted: CompiledFor = { program, weights, soc: socName, products, fingerprint, cacheDir }
  const compiled = (await findCompiled(wanted)) ?? (await compileHere(wanted, options))
  const programs = await loadOnAll(cards, compiled)
  const [only] = programs
  return programs.length === 1 && only !== undefined ? only : new SeveralPrograms(programs)
}

/** Where atc is; it takes minutes, so a person is told. */
async function compileHere(
  wanted: CompiledFor,
  { model, maxRows, signal, warn }: LoadOptions,
): Promise<CompiledProgram> {
  const traits = traitsOf(wanted.program)
  const most = traits.merged > 1 ? defaultMaxPatches : (maxRows ?? defaultMaxRows)
  const started = performance.now()
  try {
    const compiled = await compileProgram({
      ...wanted,
      gears: defaultGears(traits, most),
      signal,
      onPhase: (phase) => {
        if (phase.phase !== 'atc') return
        warn?.(`Compiling for ${wanted.soc}, once; this takes minutes, or tens of them. Its log is ${phase.log}.`)
      },
    })
    if (!compiled.cached)
      warn?.(`Compiled in ${Math.round((performance.now() - started) / 1000)} s: ${compiled.omPath}.`)
    return compiled
  } catch (error) {
    throw isWithoutAtc(error) ? notCompiled(model, wanted, error) : error
  }
}

async function loadOnAll(
  cards: readonly NpuCard[],
  { omPath, weightDir, facts }: CompiledProgram,
): Promise<NpuProgram[]> {
  const files = { omPath, ...(weightDir !== undefined && { weightDir }) }
  const arithmetic = { products: facts.products, threads: 1 }
  const models: CardModel[] = []
  try {
    for (const card of cards) models.push(await card.load(files))
    return models.map((model) => new NpuProgram(model, facts.layout, arithmetic))
  } catch (error) {
    await Promise.all(models.map((model) => model.close()))
    throw error
  }
}

const isWithoutAtc = (error: unknown): error is QvlError =>
  error instanceof QvlError && error.code === 'DEVICE_UNAVAILABLE'

function notCompiled(model = 'MODEL', { soc, products }: CompiledFor, cause: QvlError): QvlError {
  const dtype = products === 'float16' ? '' : ` --dtype ${products}`
  return new QvlError('DEVICE_UNAVAILABLE', {
    what: `This model is not compiled for ${soc} in ${products}, and ${cause.details.param === '--atc' ? 'there is no atc here' : 'it cannot be compiled here'}.`,
    why: 'An NPU runs what atc, of the Ascend toolkit (CANN), has compiled for it.',
    do: `Run, here or on a machine with the toolkit: qvl compile ${model} --device npu --soc-version ${soc}${dtype}`,
    cause,
  })
}
