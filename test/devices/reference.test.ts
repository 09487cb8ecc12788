import { describe, expect, it } from 'vitest'
import { openDevice } from '#qvl/devices/open-device.js'
import { ProgramBuilder } from '#qvl/program/builder.js'

describe('the reference device', () => {
  it('answers runs in order, keeps on after a failed one, and refuses runs once closed', async () => {
    const p = new ProgramBuilder()
    p.output('y', p.scale(p.floats('x', 'tokens', 1), 2))
    const program = await (await openDevice('reference')).load(p.build(), new Map(), {})
    const runs = await Promise.allSettled([
      program.run({ x: Float32Array.of(1, 2) }),
      program.run({}),
      program.run({ x: Float32Array.of(3) }),
    ])
    expect(runs).toMatchObject([
      { value: { y: { rows: 2, width: 1, data: Float32Array.of(2, 4) } } },
      { reason: { code: 'INTERNAL' } },
      { value: { y: { data: Float32Array.of(6) } } },
    ])
    await program.close()
    await program.close()
    await expect(program.run({ x: Float32Array.of(1) })).rejects.toMatchObject({ code: 'DEVICE_FAILED' })
  })
})
