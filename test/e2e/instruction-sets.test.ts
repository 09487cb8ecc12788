import { describe, expect, it } from 'vitest'
import { hasAddon, loadAddon } from '#qvl/devices/cpu/addon.js'
import { cosine, type EmbedCase, floats, textCases } from '../support/golden.js'
import { embedder, jsonLines, parseLines, qvl } from './run-qvl.js'

const available = hasAddon() ? loadAddon().isa().available : []

/** float32 as issue 3 asks for any device; bf16 as measured for the best set, which all others must reach. */
const types = [
  { flags: ['--dtype', 'float32'], minCosine: 0.99999 },
  { flags: ['--dtype', 'bfloat16'], minCosine: 0.999 },
  { flags: ['--quantization', 'int8'], minCosine: 0.99 },
]

const cases = textCases<EmbedCase>('qwen3-embedding').filter(({ input }) => input.role === 'document')
const plain = cases.filter(({ id, input }) => id !== 'special' && input.max_length === undefined)
const stdin = jsonLines(plain.map(({ input }) => ({ text: input.text })))

describe.each(available)('QVL_CPU_ISA=%s', (isa) => {
  it.each(types)('$flags', async ({ flags, minCosine }) => {
    const args = ['embed', '--model', embedder, '--device', 'cpu', ...flags]
    const { code, stdout, stderr } = await qvl(args, stdin, { env: { QVL_CPU_ISA: isa } })
    expect(code, stderr).toBe(0)
    const lines = parseLines<{ embedding: number[] }>(stdout)
    expect(lines).toHaveLength(plain.length)
    for (const [index, { id, embedding }] of plain.entries()) {
      expect(cosine(lines[index]!.embedding, floats(embedding)), id).toBeGreaterThan(minCosine)
    }
  })
})

it.runIf(hasAddon())('an instruction set that this machine lacks is refused', async () => {
  const { code, stderr } = await qvl(['embed', '--model', embedder, '--device', 'cpu', '--text', 'x'], '', {
    env: { QVL_CPU_ISA: 'mmx' },
  })
  expect(code).toBe(1)
  expect(stderr).toContain('QVL_CPU_ISA (mmx)')
})
