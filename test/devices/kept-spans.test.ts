import { describe, expect, it } from 'vitest'
import type { DeviceName } from '#qvl/devices/device.js'
import { openDevice } from '#qvl/devices/open-device.js'
import { ProgramBuilder } from '#qvl/program/builder.js'
import type { Program, ProgramInputs, Span } from '#qvl/program/program.js'

function attentionProgram(): Program {
  const p = new ProgramBuilder()
  const x = p.floats('x', 'tokens', 4)
  const shape = { heads: 1, kvHeads: 1, headDim: 4, causal: true, scale: 1 }
  p.output('out', p.attention({ q: x, k: x, v: x, spans: p.spans('spans'), ...shape }))
  return p.build()
}

function meanProgram(): Program {
  const p = new ProgramBuilder()
  p.output('out', p.mean(p.floats('x', 'tokens', 4), p.spans('spans'), 'pooled'))
  return p.build()
}

const inputs = (...spans: Span[]): ProgramInputs => ({ x: new Float32Array(8).fill(1), spans })
const whole: Span = { start: 0, rows: 2, chain: [] }

describe.each<DeviceName>(['reference', 'ort'])('spans to keep on %s', (name) => {
  it.each([
    ['attention', attentionProgram()],
    ['mean', meanProgram()],
  ])('are refused by %s', async (_, program) => {
    await using loaded = await (await openDevice(name)).load(program, new Map(), {})
    expect(loaded.keptSpans).toBeUndefined()
    const refused = [inputs({ ...whole, keep: 1 }), inputs({ start: 0, rows: 1, chain: [], kept: 1 }, whole)]
    for (const batch of refused) await expect(loaded.run(batch)).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
    await loaded.run(inputs(whole))
  })
})
