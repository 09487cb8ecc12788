// `qvl embed` on a pipe, against the reference vectors.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { cosine, type EmbedCase, floats, maxDifference, textCases } from '../support/golden.js'
import { devices, embedder, jsonLines, parseLines, qvl } from './run-qvl.js'

interface EmbedLine {
  id?: string
  embedding: number[]
  usage: { prompt_tokens: number }
}

/** Tolerances of the golden data for float32 against float32. */
const minCosine = 0.99999
const maxElement = 2e-4

const cases = textCases<EmbedCase>('qwen3-embedding').filter(({ input }) => input.max_length === undefined)
const lines = cases.map(({ id, input: { text, role, task } }) => ({
  id,
  text,
  ...(role === 'query' && { instruction: task }),
}))
const input = jsonLines(lines)
// The reference reads special tokens inside user text.
const asReference = ['--special-tokens-in-text', 'parse']

describe('qvl embed', () => {
  it.each(devices)('gives the reference vectors on the device %s', async (device) => {
    const { code, stdout, stderr } = await qvl(
      ['embed', '--model', embedder, '--device', device, ...asReference],
      input,
    )
    expect({ code, errors: stderr.match(/error|warning/g) }).toEqual({ code: 0, errors: null })
    const answers = parseLines<EmbedLine>(stdout)
    expect(answers.map(({ id }) => id)).toEqual(cases.map(({ id }) => id))
    for (const [position, { embedding, usage }] of answers.entries()) {
      const { embedding: expected, input_ids } = cases[position]!
      expect(usage.prompt_tokens).toBe(input_ids.length)
      checkVector(embedding, floats(expected))
    }
  })

  it('writes base64', async () => {
    const { code, stdout } = await qvl(['embed', '-m', embedder, '--encoding-format', 'base64', ...asReference], input)
    expect(code).toBe(0)
    for (const [position, { embedding }] of parseLines<{ embedding: string }>(stdout).entries()) {
      const bytes = Buffer.from(embedding, 'base64')
      const vector = Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index))
      checkVector(vector, floats(cases[position]!.embedding))
    }
  })

  it('writes a NumPy array', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'qvl-npy-'))
    const file = path.join(folder, 'out.npy')
    const { code, stdout } = await qvl(['embed', '-m', embedder, '--format', 'npy', '-o', file, ...asReference], input)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    const bytes = await readFile(file)
    const headerEnd = 10 + bytes.readUInt16LE(8)
    expect(bytes.subarray(10, headerEnd).toString()).toContain(`(${cases.length}, 64)`)
    const first = Float32Array.from({ length: 64 }, (_, index) => bytes.readFloatLE(headerEnd + 4 * index))
    checkVector(first, floats(cases[0]!.embedding))
    await rm(folder, { recursive: true })
  })

  it('embeds texts given as flags, with dimensions', async () => {
    const [first] = lines
    const args = ['embed', '-m', embedder, '--text', String(first!.text), '--text', 'another', '--dimensions', '32']
    const { code, stdout } = await qvl(args)
    expect(code).toBe(0)
    const answers = parseLines<EmbedLine>(stdout)
    expect(answers).toHaveLength(2)
    const whole = floats(cases[0]!.embedding)
    expect(answers[0]!.embedding).toHaveLength(32)
    expect(cosine(answers[0]!.embedding, whole.subarray(0, 32))).toBeGreaterThan(minCosine)
    expect(Math.hypot(...answers[0]!.embedding)).toBeCloseTo(1, 5)
  })

  it('explains prompts and token ids', async () => {
    const { code, stdout } = await qvl(['embed', '-m', embedder, '--explain', '--json', ...asReference], input)
    expect(code).toBe(0)
    const answers = parseLines<{ prompt: string; token_ids: number[] }>(stdout)
    expect(answers.map(({ token_ids }) => token_ids)).toEqual(cases.map(({ input_ids }) => input_ids))
    expect(answers.map(({ prompt }) => prompt)).toEqual(cases.map(({ prompt }) => prompt))
  })
})

function checkVector(vector: ArrayLike<number>, expected: Float32Array): void {
  expect(cosine(vector, expected)).toBeGreaterThan(minCosine)
  expect(maxDifference(vector, expected)).toBeLessThan(maxElement)
}
