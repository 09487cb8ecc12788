// The golden cases with images whose pixels are stored, and one sequence with its images through a device.

import { openCheckpoint } from '#qvl/checkpoint/checkpoint.js'
import type { Qwen3VlConfig } from '#qvl/checkpoint/config.js'
import type { Device, LoadOptions } from '#qvl/devices/device.js'
import type { Model, Patches, PatchGrid } from '#qvl/models/model.js'
import { mropePositions, type VisualBlock } from '#qvl/models/mrope.js'
import type { ProgramInputs, ProgramOutputs } from '#qvl/program/program.js'
import { floats, goldenPath, readGolden, type StoredArray } from './golden.js'

export interface VlCase {
  id: string
  input: {
    image?: string | string[]
    video?: unknown
    query?: { image?: string }
    document?: { image?: string | string[] }
  }
  input_ids: number[]
  position_ids: StoredArray
  image_grid_thw?: PatchGrid[]
  hidden: StoredArray
  logit_diff?: number
}

const pixels = readGolden<{ images: Record<string, { grid_thw: PatchGrid; pixel_values: StoredArray }> }>(
  'qwen3-vl-embedding/pixel_values.json',
).images

export const patchesOf = (image: string): Patches => ({
  grid: pixels[image]!.grid_thw,
  pixels: floats(pixels[image]!.pixel_values),
})

export async function openVl(name: string) {
  const { config, weights } = await openCheckpoint(goldenPath(`checkpoints/${name}`))
  return { config: config as Qwen3VlConfig, weights }
}

/** Where the image tokens of a sequence stand. */
export function blocksOf(ids: readonly number[], imageTokenId: number, grids: readonly PatchGrid[]): VisualBlock[] {
  let from = 0
  return grids.map(([, height, width]) => {
    const block = { start: ids.indexOf(imageTokenId, from), height: height / 2, width: width / 2 }
    from = block.start + block.height * block.width
    return block
  })
}

/** Runs one batch of the tower, and one of the decoder. */
export interface VlRun {
  tower(inputs: ProgramInputs): Promise<ProgramOutputs>
  decoder(inputs: ProgramInputs): Promise<ProgramOutputs>
}

export async function loadVl(device: Device, model: Model, options: LoadOptions = {}) {
  const tower = await device.load(model.vision!.program, model.vision!.weights, options)
  const decoder = await device.load(model.program, model.weights, options)
  return {
    tower: (inputs: ProgramInputs) => tower.run(inputs),
    decoder: (inputs: ProgramInputs) => decoder.run(inputs),
    close: () => Promise.all([tower.close(), decoder.close()]),
  }
}

/** One sequence with its images, pooling the last row. */
export async function runCase(
  run: VlRun,
  model: Model,
  { imageTokenId }: Qwen3VlConfig,
  { ids, images }: { ids: readonly number[]; images: readonly Patches[] },
): Promise<ProgramOutputs> {
  const tower = model.vision!
  const grids = images.map(({ grid }) => grid)
  const features = tower.features(await run.tower(await tower.inputs(images)), grids)
  const blocks = blocksOf(ids, imageTokenId, grids)
  const { time, height, width } = mropePositions(ids.length, blocks)
  const join = (parts: Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]))
  const rows = blocks.flatMap(({ start, height, width }) => Array.from({ length: height * width }, (_, i) => start + i))
  return run.decoder(
    model.inputs({
      ids: Int32Array.from(ids),
      positions: time,
      axes: { height, width },
      spans: [{ start: 0, rows: ids.length, chain: [] }],
      pooled: Int32Array.of(ids.length - 1),
      visual: {
        rows: Int32Array.from(rows),
        main: join(features.map(({ main }) => main)),
        deepstack: features[0]!.deepstack.map((_, k) => join(features.map(({ deepstack }) => deepstack[k]!))),
      },
    }),
  )
}

/** Cases whose images are all in pixel_values.json. */
export function imageCases(name: string): { example: VlCase; images: string[] }[] {
  return readGolden<{ cases: VlCase[] }>(`${name}/cases.json`).cases.flatMap((example) => {
    const { input } = example
    const images = [input.image, input.query?.image, input.document?.image].flatMap((image) => image ?? [])
    const known = images.length > 0 && images.every((image) => image in pixels)
    return known && !/"video"/.test(JSON.stringify(input)) ? [{ example, images }] : []
  })
}
