import { describe, expect, it } from 'vitest'
import type { Model, PatchGrid } from '#qvl/models/model.js'
import { mropeAxes, mropePositions, type VisualBlock } from '#qvl/models/mrope.js'
import { qwen3Vl } from '#qvl/models/qwen3-vl.js'
import { qwen3VlVision } from '#qvl/models/qwen3-vl-vision.js'
import { RotaryTables } from '#qvl/models/rotary-tables.js'
import { tokenHead } from '#qvl/models/token-head.js'
import { VisionPositions } from '#qvl/models/vision-tables.js'
import { interpret } from '#qvl/program/interpreter.js'
import { cosine, floats, integers, maxDifference, readGolden, type StoredArray } from '../support/golden.js'
import { blocksOf, imageCases, openVl, patchesOf, runCase, type VlCase, type VlRun } from '../support/vl.js'

function interpreted(model: Model): VlRun {
  const { program, weights, vision } = model
  return {
    tower: (inputs) => interpret(vision!.program, vision!.weights, inputs),
    decoder: (inputs) => interpret(program, weights, inputs),
  }
}

describe('the vision tower on the reference interpreter', () => {
  it.each([
    { name: 'qwen3-vl-embedding', images: ['rgba_80x112.png', 'rgb_48x48.png'] },
    { name: 'qwen3-vl-reranker', images: ['rgba_80x112.png'] },
  ])('$name: every tensor of the trace', async ({ name, images }) => {
    const { tensors } = readGolden<{ tensors: Record<string, StoredArray> }>(`${name}/trace.json`)
    const { config, weights } = await openVl(name)
    const tower = await qwen3VlVision(config.vision, weights, { trace: true })
    const inputs = await tower.inputs(images.map(patchesOf))
    const outputs = await interpret(tower.program, tower.weights, inputs)
    if (tensors.pos_embed !== undefined) {
      expect(maxDifference(inputs.positions as Float32Array, floats(tensors.pos_embed))).toBeLessThan(1e-5)
    }
    for (let block = 0; block < config.vision.depth; block++) {
      const difference = maxDifference(outputs[`block_${block}`]!.data, floats(tensors[`vision_block_${block}`]!))
      expect(difference, `block ${block}`).toBeLessThan(1e-4)
    }
    for (const output of ['main', 'deepstack_0', 'deepstack_1', 'deepstack_2']) {
      const golden = floats(tensors[output === 'main' ? 'merger' : output]!)
      expect(maxDifference(outputs[output]!.data, golden), output).toBeLessThan(1e-4)
    }
  })

  it('gives images the same features alone and together', async () => {
    const { config, weights } = await openVl('qwen3-vl-embedding')
    const tower = await qwen3VlVision(config.vision, weights)
    const images = ['rgb_48x48.png', 'la_96x64.png', 'rgba_80x112.png'].map(patchesOf)
    const grids = images.map(({ grid }) => grid)
    const together = tower.features(await interpret(tower.program, tower.weights, await tower.inputs(images)), grids)
    for (const [index, image] of images.entries()) {
      const [alone] = tower.features(await interpret(tower.program, tower.weights, await tower.inputs([image])), [
        image.grid,
      ])
      expect(maxDifference(together[index]!.main, alone!.main)).toBeLessThan(1e-6)
      expect(maxDifference(together[index]!.deepstack[2]!, alone!.deepstack[2]!)).toBeLessThan(1e-6)
    }
  })
})

describe('the Qwen3-VL program on the reference interpreter', () => {
  it('qwen3-vl-embedding: positions and pooled vectors of images', async () => {
    const { config, weights } = await openVl('qwen3-vl-embedding')
    const model = await qwen3Vl(config, weights)
    const cases = imageCases('qwen3-vl-embedding')
    expect(cases.length).toBeGreaterThan(3)
    for (const { example, images } of cases) {
      const { id, input_ids, position_ids, image_grid_thw, hidden } = example
      const blocks = blocksOf(input_ids, config.imageTokenId, image_grid_thw!)
      const { time, height, width } = mropePositions(input_ids.length, blocks)
      expect([...time, ...height, ...width], id).toEqual([...integers(position_ids)])
      const sequence = { ids: input_ids, images: images.map(patchesOf) }
      const outputs = await runCase(interpreted(model), model, config, sequence)
      expect(cosine(outputs.hidden!.data, floats(hidden)), id).toBeGreaterThan(0.999999)
    }
  })

  it('qwen3-vl-reranker: logits of pairs with images', async () => {
    const { config, weights } = await openVl('qwen3-vl-reranker')
    const ids = readGolden<{ yes_token_id: number; no_token_id: number }>('qwen3-vl-reranker/cases.json')
    const head = await tokenHead(weights, [ids.no_token_id, ids.yes_token_id])
    const model = await qwen3Vl(config, head.weights, { numLabels: 1 })
    const cases = imageCases('qwen3-vl-reranker')
    expect(cases.length).toBeGreaterThan(2)
    for (const { example, images } of cases) {
      const sequence = { ids: example.input_ids, images: images.map(patchesOf) }
      const outputs = await runCase(interpreted(model), model, config, sequence)
      expect(Math.abs(outputs.logits!.data[0]! - example.logit_diff!), example.id).toBeLessThan(1e-4)
    }
  })

  it('gives text the vectors of the plain decoder', async () => {
    const { config, weights } = await openVl('qwen3-vl-embedding')
    const model = await qwen3Vl(config, weights)
    const example = readGolden<{ cases: VlCase[] }>('qwen3-vl-embedding/cases.json').cases[0]!
    const length = example.input_ids.length
    const inputs = model.inputs({
      ids: Int32Array.from(example.input_ids),
      positions: Int32Array.from({ length }, (_, i) => i),
      spans: [{ start: 0, rows: length, chain: [] }],
      pooled: Int32Array.of(length - 1),
    })
    const outputs = await interpret(model.program, model.weights, inputs)
    expect(cosine(outputs.hidden!.data, floats(example.hidden))).toBeGreaterThan(0.999999)
  })
})

describe('interleaved M-RoPE', () => {
  const { cases } = readGolden<{
    cases: {
      mrope_section: [number, number, number]
      head_dim: number
      rope_theta: number
      axis: number[]
      positions_thw: number[][]
      cos: StoredArray
      sin: StoredArray
    }[]
  }>('standalone/mrope.json')

  it.each(cases)('section $mrope_section: axes, cosines and sines', (golden) => {
    const axes = mropeAxes(golden.mrope_section)
    expect(axes).toEqual(golden.axis.map((axis) => (['time', 'height', 'width'] as const)[axis]))
    const [time, height, width] = golden.positions_thw.map((axis) => Int32Array.from(axis))
    const tables = new RotaryTables(golden.head_dim, golden.rope_theta)
    const { cos, sin } = tables.atAxes({ time: time!, height: height!, width: width! }, axes)
    const half = golden.head_dim / 2
    const firstHalf = (stored: StoredArray) => floats(stored).filter((_, i) => i % golden.head_dim < half)
    expect(maxDifference(cos, firstHalf(golden.cos))).toBeLessThan(1e-6)
    expect(maxDifference(sin, firstHalf(golden.sin))).toBeLessThan(1e-6)
  })
})

describe('positions of image and video tokens', () => {
  interface RopeCase {
    id: string
    input_ids: number[][]
    image_grid_thw: PatchGrid[] | null
    video_grid_thw: PatchGrid[] | null
    attention_mask: number[][] | null
    position_ids: number[][][]
  }
  const golden = readGolden<{ image_token_id: number; video_token_id: number; cases: RopeCase[] }>(
    'standalone/rope_index.json',
  )

  it.each(golden.cases)('$id', (example) => {
    // A video is one block for each pair of frames, because text stands between them.
    const images = [...(example.image_grid_thw ?? [])]
    const frames = (example.video_grid_thw ?? []).flatMap(([time, ...sides]) =>
      Array.from({ length: time }, () => sides),
    )
    example.input_ids.forEach((padded, row) => {
      const mask = example.attention_mask?.[row]
      const real = padded.map((_, i) => mask?.[i] !== 0)
      const ids = padded.filter((_, i) => real[i])
      const blocks: VisualBlock[] = []
      for (let i = 0; i < ids.length; i++) {
        const isImage = ids[i] === golden.image_token_id
        if (!isImage && ids[i] !== golden.video_token_id) continue
        const [height, width] = isImage ? images.shift()!.slice(1) : frames.shift()!
        blocks.push({ start: i, height: height! / 2, width: width! / 2 })
        i += (height! * width!) / 4 - 1
      }
      const { time, height, width } = mropePositions(ids.length, blocks)
      const expected = example.position_ids.map((axis) => axis[row]!.filter((_, i) => real[i]))
      expect([[...time], [...height], [...width]]).toEqual(expected)
    })
  })
})

describe('the interpolated table of positions', () => {
  interface InterpolationCase {
    side: number
    grid_thw: PatchGrid
    source_rowcol: StoredArray
  }

  // A table whose entries are their own coordinates shows where each patch reads.
  it.each(readGolden<{ cases: InterpolationCase[] }>('standalone/pos_interp.json').cases)(
    'grid $grid_thw over a side of $side',
    ({ side, grid_thw, source_rowcol }) => {
      const table = Float32Array.from({ length: 2 * side * side }, (_, i) => {
        const entry = Math.floor(i / 2)
        return i % 2 === 0 ? Math.floor(entry / side) : entry % side
      })
      const places = new VisionPositions(table, { side, mergeSize: 2 }).at(grid_thw)
      const golden = floats(source_rowcol)
      expect(maxDifference(places.subarray(0, golden.length), golden)).toBeLessThan(1e-5)
    },
  )
})
