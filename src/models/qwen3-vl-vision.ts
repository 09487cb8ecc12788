// Qwen3-VL's vision tower: patches of images and video frames in, one row per token out, and more rows for deepstack.

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { VisionConfig } from '../checkpoint/config.js'
import { reshaped, rowsOf } from '../checkpoint/tensor-views.js'
import { expectShape, readTensorFloat32, type Tensor, type WeightTable } from '../checkpoint/weights.js'
import { ProgramBuilder } from '../program/builder.js'
import type { Program, ProgramOutputs, Span, Value } from '../program/program.js'
import { checkWeights, weightShapes } from './check-weights.js'
import type { Patches, PatchGrid, VisionModel, VisualFeatures } from './model.js'
import { numPatches } from './patch-order.js'
import { VisionPositions, VisionRotary } from './vision-tables.js'

export interface VisionOptions {
  /** Also give out what each block computes, as `block_0`, `block_1`, …: for comparing with a reference. */
  trace?: boolean
}

/** A constant of the architecture: it is in no configuration. */
const layerNormEps = 1e-6

/** Reads the table of positions. Throws TENSOR_MISSING or TENSOR_INVALID with the tensor's name. */
export async function qwen3VlVision(
  config: VisionConfig,
  checkpointWeights: WeightTable,
  options: VisionOptions = {},
): Promise<VisionModel> {
  const { hidden, positionGridSize: side, spatialMergeSize: mergeSize, headDim, ropeTheta } = config
  const { program, weights } = visionTower(config, checkpointWeights, options)
  const table = await readTensorFloat32(expectShape(weights, 'visual.pos_embed.weight', [side * side, hidden]))
  const positions = new VisionPositions(table, { side, mergeSize })
  const rotary = new VisionRotary(headDim, ropeTheta, mergeSize)
  return {
    program,
    weights,
    mergeSize,
    async inputs(images) {
      const tables: { positions: Float32Array; cos: Float32Array; sin: Float32Array }[] = []
      for (const { grid } of images) {
        await nextTurn()
        tables.push({ positions: positions.at(grid), ...rotary.at(grid) })
      }
      await nextTurn()
      return {
        patches: await joined(images.map(({ pixels }) => pixels)),
        positions: await joined(tables.map((each) => each.positions)),
        cos: await joined(tables.map(({ cos }) => cos)),
        sin: await joined(tables.map(({ sin }) => sin)),
        frames: frameSpans(images.map(({ grid }) => grid)),
        firstPatches: firstPatches(images, mergeSize ** 2),
      }
    },
    features: (outputs, grids) => splitFeatures(outputs, grids, config),
  }
}

/** The tower's program and weights; nothing is read. Throws TENSOR_MISSING or TENSOR_INVALID with the tensor's name. */
export function visionTower(
  config: VisionConfig,
  checkpointWeights: WeightTable,
  options: VisionOptions = {},
): Pick<VisionModel, 'program' | 'weights'> {
  const program = visionProgram(config, options)
  const weights = towerWeights(config, checkpointWeights)
  checkWeights(program, weights, {})
  return { program, weights }
}

/** The names and shapes of the weights that such a tower has in a checkpoint. */
export function visionWeightShapes(config: VisionConfig): ReadonlyMap<string, readonly number[]> {
  const { hidden, inChannels, temporalPatchSize, patchSize, positionGridSize } = config
  const shapes = weightShapes(visionProgram(config, {}), {})
  const stored = [...shapes].filter(([name]) => !/\.attn\.[qkv]\./.test(name))
  for (let block = 0; block < config.depth; block++) {
    stored.push([`visual.blocks.${block}.attn.qkv.weight`, [3 * hidden, hidden]])
    stored.push([`visual.blocks.${block}.attn.qkv.bias`, [3 * hidden]])
  }
  return new Map([
    ...stored,
    ['visual.patch_embed.proj.weight', [hidden, inChannels, temporalPatchSize, patchSize, patchSize]],
    ['visual.pos_embed.weight', [positionGridSize ** 2, hidden]],
  ])
}

function visionProgram(config: VisionConfig, options: VisionOptions): Program {
  const p = new ProgramBuilder()
  const patches = p.floats('patches', 'patches', patchWidth(config))
  const positions = p.floats('positions', 'patches', config.hidden)
  const cos = p.floats('cos', 'patches', config.headDim / 2)
  const sin = p.floats('sin', 'patches', config.headDim / 2)
  const frames = p.spans('frames')
  const firstPatches = p.integers('firstPatches', 'visual')

  const embedded = p.linear(patches, 'visual.patch_embed.proj.weight', config.hidden, {
    bias: 'visual.patch_embed.proj.bias',
  })
  let x = p.add(positions, embedded)
  for (let block = 0; block < config.depth; block++) {
    x = visionBlock(p, config, `visual.blocks.${block}`, { x, cos, sin, frames })
    if (options.trace) p.output(`block_${block}`, x)
    const deepstack = config.deepstackIndexes.indexOf(block)
    if (deepstack === -1) continue
    const merged = p.gatherRows(x, firstPatches, config.spatialMergeSize ** 2)
    p.output(`deepstack_${deepstack}`, deepstackMerger(p, config, deepstack, merged))
  }
  p.output('main', mainMerger(p, config, x, firstPatches))
  return p.build()
}

interface BlockInputs {
  x: Value
  cos: Value
  sin: Value
  frames: string
}

/** Every patch sees the patches of its own frame, or pair of frames, and no others. */
function visionBlock(p: ProgramBuilder, config: VisionConfig, name: string, inputs: BlockInputs): Value {
  const { x, cos, sin, frames } = inputs
  const { hidden, intermediate, numHeads: heads, headDim } = config
  const linear = (value: Value, layer: string, width: number): Value =>
    p.linear(value, `${name}.${layer}.weight`, width, { bias: `${name}.${layer}.bias` })

  const normed = layerNorm(p, x, `${name}.norm1`)
  const [q, k, v] = ['q', 'k', 'v'].map((part) => linear(normed, `attn.${part}`, hidden))
  const mixed = p.attention({
    q: p.rotary(q!, cos, sin, headDim),
    k: p.rotary(k!, cos, sin, headDim),
    v: v!,
    spans: frames,
    heads,
    kvHeads: heads,
    headDim,
    causal: false,
    scale: headDim ** -0.5,
  })
  const attended = p.add(x, linear(mixed, 'attn.proj', hidden))

  const inner = p.linear(layerNorm(p, attended, `${name}.norm2`), `${name}.mlp.linear_fc1.weight`, intermediate, {
    bias: `${name}.mlp.linear_fc1.bias`,
    activation: 'gelu_tanh',
  })
  return p.add(attended, linear(inner, 'mlp.linear_fc2', hidden))
}

/** Norm of each patch, then the patches of a token side by side. */
function mainMerger(p: ProgramBuilder, config: VisionConfig, x: Value, firstPatches: Value): Value {
  const name = 'visual.merger'
  const normed = layerNorm(p, x, `${name}.norm`)
  return mergerMlp(p, config, name, p.gatherRows(normed, firstPatches, config.spatialMergeSize ** 2))
}

/** The patches of a token side by side, then one norm over them all. */
function deepstackMerger(p: ProgramBuilder, config: VisionConfig, index: number, merged: Value): Value {
  const name = `visual.deepstack_merger_list.${index}`
  return mergerMlp(p, config, name, layerNorm(p, merged, `${name}.norm`))
}

/** The mergers have the exact GELU, unlike the blocks. */
function mergerMlp(p: ProgramBuilder, config: VisionConfig, name: string, x: Value): Value {
  const width = config.hidden * config.spatialMergeSize ** 2
  const inner = p.linear(x, `${name}.linear_fc1.weight`, width, {
    bias: `${name}.linear_fc1.bias`,
    activation: 'gelu_erf',
  })
  return p.linear(inner, `${name}.linear_fc2.weight`, config.outHidden, { bias: `${name}.linear_fc2.bias` })
}

const layerNorm = (p: ProgramBuilder, x: Value, name: string): Value =>
  p.layerNorm(x, `${name}.weight`, `${name}.bias`, layerNormEps)

const patchWidth = ({ inChannels, temporalPatchSize, patchSize }: VisionConfig): number =>
  inChannels * temporalPatchSize * patchSize ** 2

/**
 * The checkpoint's tensors as the program reads them: the patch convolution as a matrix (its stride is its size, so each
 * patch is one product), and q, k and v apart.
 */
function towerWeights(config: VisionConfig, weights: WeightTable): WeightTable {
  const { hidden, inChannels, temporalPatchSize, patchSize } = config
  const visual = new Map<string, Tensor>([...weights].filter(([name]) => name.startsWith('visual.')))
  const proj = 'visual.patch_embed.proj.weight'
  const kernel = expectShape(weights, proj, [hidden, inChannels, temporalPatchSize, patchSize, patchSize])
  visual.set(proj, reshaped(kernel, [hidden, patchWidth(config)]))
  for (let block = 0; block < config.depth; block++) {
    const attn = `visual.blocks.${block}.attn`
    for (const [kind, shape] of [
      ['weight', [3 * hidden, hidden]],
      ['bias', [3 * hidden]],
    ] as const) {
      const qkv = expectShape(weights, `${attn}.qkv.${kind}`, shape)
      visual.delete(`${attn}.qkv.${kind}`)
      for (const [i, part] of ['q', 'k', 'v'].entries()) {
        visual.set(`${attn}.${part}.${kind}`, rowsOf(qkv, i * hidden, hidden))
      }
    }
  }
  return visual
}

/** One span for each image, and for each pair of frames of a video. */
function frameSpans(grids: readonly PatchGrid[]): Span[] {
  let start = 0
  return grids.flatMap(([time, height, width]) =>
    Array.from({ length: time }, () => {
      const span = { start, rows: height * width, chain: [] }
      start += height * width
      return span
    }),
  )
}

/** The first patch of every token, over all images. */
function firstPatches(images: readonly Patches[], perToken: number): Int32Array {
  const patches = images.reduce((sum, { grid }) => sum + numPatches(grid), 0)
  return Int32Array.from({ length: patches / perToken }, (_, token) => token * perToken)
}

function splitFeatures(outputs: ProgramOutputs, grids: readonly PatchGrid[], config: VisionConfig): VisualFeatures[] {
  const { outHidden, spatialMergeSize, deepstackIndexes } = config
  let from = 0
  return grids.map((grid) => {
    const start = from
    from += (numPatches(grid) / spatialMergeSize ** 2) * outHidden
    const rows = (name: string): Float32Array => outputs[name]!.data.slice(start, from)
    return { main: rows('main'), deepstack: deepstackIndexes.map((_, index) => rows(`deepstack_${index}`)) }
  })
}

/** Numbers copied before the event loop gets a turn: a few milliseconds of work. */
const numbersPerTurn = 2_000_000

async function joined(parts: readonly Float32Array[]): Promise<Float32Array> {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return only
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  let copied = 0
  for (const part of parts) {
    for (let start = 0; start < part.length; start += numbersPerTurn) {
      const piece = part.subarray(start, start + numbersPerTurn)
      all.set(piece, at + start)
      copied += piece.length
      if (copied < numbersPerTurn) continue
      copied = 0
      await nextTurn()
    }
    at += part.length
  }
  return all
}
