// Compiles a checkpoint for an NPU: its network, and the vision tower of models that read images.

import { type CompileOptions, type CompilePhase, type CompileResult, compileProgram } from '../devices/npu/compile.js'
import { defaultGears, defaultMaxRows, type GearTraits, parseGears } from '../devices/npu/gears.js'
import { traitsOf } from '../devices/npu/lower-padded.js'
import { productsOn } from '../devices/npu/soc.js'
import { estimateWaste } from '../devices/npu/waste.js'
import { imageLimits } from '../media/smart-resize.js'
import type { Program } from '../program/program.js'
import { findCheckpoint } from './find-checkpoint.js'
import { dtypeOf, loadModel } from './load-model.js'
import { visionLoad } from './open-images.js'
import type { EngineOptions } from './options.js'
import { preparerOf } from './preparer.js'

export interface CompileModelOptions
  extends Pick<
      EngineOptions,
      | 'model'
      | 'revision'
      | 'downloadDir'
      | 'dtype'
      | 'maxModelLen'
      | 'hfOverrides'
      | 'convert'
      | 'warn'
      | 'signal'
      | 'onDownload'
    >,
    Pick<CompileOptions, 'soc' | 'atc' | 'hostCpu' | 'cacheDir'> {
  /** As --npu-gears has them; chosen by the longest prompt and image when absent. */
  gears?: string | undefined
  visionGears?: string | undefined
  onPhase?: ((part: CompiledPart['part'], phase: CompilePhase) => void) | undefined
}

export interface CompiledPart extends CompileResult {
  part: 'text' | 'vision'
  /** The share of rows that would be padding for sequences of many lengths. */
  expectedWaste: number
}

/** Throws what opening an engine throws, and what `compileProgram` throws. */
export async function compileModel(options: CompileModelOptions): Promise<CompiledPart[]> {
  const { soc, maxModelLen } = options
  const checkpoint = await findCheckpoint(options)
  const { config, dir, fingerprint } = checkpoint
  const { hfOverrides, convert, warn = () => {} } = options
  const preparer = await preparerOf(checkpoint, { id: options.model, dir, maxModelLen, hfOverrides, convert }, warn)
  const { model } = await loadModel(checkpoint, { kind: preparer.model.kind, tokenizer: preparer.tokenizer })
  const load = { dtype: dtypeOf(config, options.dtype), fingerprint }
  const products = productsOn(soc, load)
  const longest = preparer.model.maxModelLen
  const rows = maxModelLen === undefined ? Math.min(longest, defaultMaxRows) : longest
  const text = { gears: gearsFor(model.program, options.gears, rows), fingerprint, products }
  const parts = [await compilePart('text', { ...model, ...text }, options)]
  if (model.vision === undefined || config.family !== 'qwen3-vl') return parts
  const patches = Math.ceil(imageLimits.maxPixels / config.vision.patchSize ** 2)
  const gears = gearsFor(model.vision.program, options.visionGears, patches)
  const vision = { ...model.vision, gears, products, fingerprint: visionLoad(load).fingerprint }
  return [...parts, await compilePart('vision', vision, options)]
}

function gearsFor(program: Program, asked: string | undefined, maxRows: number): CompileOptions['gears'] {
  const traits = traitsOf(program)
  return asked === undefined ? defaultGears(traits, maxRows) : parseGears(asked, traits)
}

async function compilePart(
  part: CompiledPart['part'],
  { program, weights, gears, products, fingerprint }: Omit<CompileOptions, 'soc'>,
  { soc, atc, hostCpu, cacheDir, signal, onPhase }: CompileModelOptions,
): Promise<CompiledPart> {
  const target = { soc, atc, hostCpu, cacheDir, signal }
  const result = await compileProgram({
    ...target,
    ...{ program, weights, gears, products, fingerprint },
    onPhase: (phase) => onPhase?.(part, phase),
  })
  const traits: GearTraits = result.facts.layout.traits
  return { ...result, part, expectedWaste: estimateWaste(gears, traits) }
}
