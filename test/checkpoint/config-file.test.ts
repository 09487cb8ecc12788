import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { networkOf, parseConfig, readConfig } from '#qvl/checkpoint/config.js'
import { goldenPath } from '../support/golden.js'
import { copyOfGolden, expectError } from './folders.js'

type Json = Record<string, unknown>

const golden = (name: string): Json => JSON.parse(readFileSync(goldenPath(`checkpoints/${name}/config.json`), 'utf8'))
const qwen3 = golden('qwen3-reranker')
const vl = golden('qwen3-vl-reranker')

describe('overrides', () => {
  it("the vLLM-Ascend tutorial's", () => {
    const config = parseConfig(
      vl,
      JSON.parse(
        '{"architectures":["Qwen3VLForSequenceClassification"],"classifier_from_token":["no","yes"],"is_original_qwen3_reranker":true}',
      ),
    )
    expect(config.architecture).toBe('Qwen3VLForSequenceClassification')
    expect(config.classifier).toEqual({
      sequenceClassification: true,
      numLabels: undefined,
      labelNames: new Map(),
      activation: undefined,
      classifierFromToken: ['no', 'yes'],
      isOriginalQwen3Reranker: true,
      method: undefined,
    })
    expect(networkOf(config)).toEqual(networkOf(parseConfig(vl)))
  })

  it('merge nested objects, and replace anything else', () => {
    const config = parseConfig(vl, {
      text_config: { max_position_embeddings: 4096, rope_parameters: { rope_theta: 1e4 } },
      hidden_size: 7,
      matryoshka_dimensions: [16],
    })
    expect(networkOf(config)).toEqual({ ...networkOf(parseConfig(vl)), maxPositions: 4096, ropeTheta: 1e4 })
    expect(config.matryoshkaDimensions).toEqual([16])
    expect(vl.text_config).toMatchObject({ max_position_embeddings: 262144 })
  })

  it('null removes a field', () =>
    expectError(() => parseConfig(qwen3, { rope_theta: null }), 'CONFIG_INVALID', ['rope_theta', 'missing']))

  it('are checked like the file', () =>
    expectError(() => parseConfig(qwen3, { num_hidden_layers: 1e9 }), 'CONFIG_INVALID', 'num_hidden_layers'))

  it('cannot reach prototypes', async () => {
    await expectError(() => parseConfig(qwen3, JSON.parse('{"__proto__":{"x":1}}')), 'USAGE', '__proto__')
    expect('x' in {}).toBe(false)
  })
})

describe('the file', () => {
  it('larger than 10 MB', async () => {
    const dir = copyOfGolden('qwen3-reranker')
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...qwen3, x: 'x'.repeat(20_000_000) }))
    await expectError(() => readConfig(dir), 'CONFIG_INVALID', 'too large')
  })

  it("with Python's NaN", async () => {
    const dir = copyOfGolden('qwen3-reranker')
    writeFileSync(join(dir, 'config.json'), '{"rope_theta": NaN}')
    await expectError(() => readConfig(dir), 'CONFIG_INVALID', 'NaN')
  })

  it('auto_map is not run, with a note', async () => {
    const dir = copyOfGolden('qwen3-reranker')
    const warnings: string[] = []
    writeFileSync(join(dir, 'config.json'), JSON.stringify({ ...qwen3, auto_map: { AutoModel: 'evil.Model' } }))
    const config = await readConfig(dir, { warn: (message) => warnings.push(message) })
    expect(config).toEqual(parseConfig(qwen3))
    expect(warnings).toEqual([expect.stringContaining('auto_map')])
  })
})
