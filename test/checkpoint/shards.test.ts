import { copyFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openShards, type Shards } from '#qvl/checkpoint/shards.js'
import { copyOfGolden, expectError, temporaryFolder, writeSafetensors } from './folders.js'

const one = { dtype: 'F32', shape: [1], data: new Uint8Array(4) }

/** A folder with shards (name → tensor names) and an index. */
function sharded(shards: Record<string, string[]>, weightMap: unknown): string {
  const dir = temporaryFolder()
  for (const [name, tensors] of Object.entries(shards)) {
    writeSafetensors(join(dir, name), Object.fromEntries(tensors.map((tensor) => [tensor, one])))
  }
  writeFileSync(join(dir, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }))
  return dir
}

async function open(dir: string): Promise<Shards & { warnings: string[] }> {
  const warnings: string[] = []
  return { ...(await openShards(dir, (message) => warnings.push(message))), warnings }
}

const shardA = 'model-00001-of-00002.safetensors'
const shardB = 'model-00002-of-00002.safetensors'
const listed = { a: shardA, b: shardB }

describe('shards', () => {
  it('are found through the index', async () => {
    const { tensors, files, warnings } = await open(sharded({ [shardA]: ['a'], [shardB]: ['b'] }, listed))
    expect([...tensors].map(([name, { file }]) => [name, file.slice(-shardA.length)])).toEqual(Object.entries(listed))
    expect(files.map(({ size }) => size > 0)).toEqual([true, true])
    expect(warnings).toEqual([])
  })

  it('may hold tensors that the index does not name, with a warning', async () => {
    const { tensors, warnings } = await open(sharded({ [shardA]: ['a', 'x', 'y'], [shardB]: ['b'] }, listed))
    expect([...tensors.keys()]).toEqual(['a', 'b'])
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('"x" and 1 more')
  })

  it.each<[string, () => string, string, string | string[]]>([
    ['a missing shard', () => sharded({ [shardA]: ['a'] }, listed), 'CHECKPOINT_FILE_MISSING', shardB],
    [
      'a tensor that is not in its shard',
      () => sharded({ [shardA]: ['a'], [shardB]: ['c'] }, listed),
      'TENSOR_MISSING',
      ['"b"', shardB],
    ],
    [
      'a tensor in two shards',
      () => sharded({ [shardA]: ['a'], [shardB]: ['a', 'b'] }, listed),
      'CHECKPOINT_INVALID',
      ['"a"', 'twice', shardA, shardB],
    ],
    ['an empty weight_map', () => sharded({}, {}), 'CHECKPOINT_INVALID', 'empty'],
    ['no weight_map', () => sharded({}, undefined), 'CHECKPOINT_INVALID', 'weight_map'],
    ['a weight_map of numbers', () => sharded({}, { a: 1 }), 'CHECKPOINT_INVALID', 'weight_map.a'],
    [
      'too many shards',
      () => sharded({}, Object.fromEntries(Array.from({ length: 10_001 }, (_, i) => [`t${i}`, `${i}.safetensors`]))),
      'CHECKPOINT_INVALID',
      '10000 files',
    ],
  ])('refuses %s', (_what, make, code, words) => expectError(() => open(make()), code, words))

  it.each([
    '../../x',
    '../x.safetensors',
    'sub/x.safetensors',
    'sub\\x.safetensors',
    '/etc/x.safetensors',
    'C:x.safetensors',
    'x\0.safetensors',
    'x\n.safetensors',
    '..safetensors',
    '.safetensors',
    'x.bin',
    '',
  ])('refuses %j as the name of a shard', (name) =>
    expectError(() => open(sharded({}, { a: name })), 'CHECKPOINT_INVALID', 'plain name'),
  )

  it('names a shard that is truncated', async () => {
    const dir = copyOfGolden('qwen3-vl-embedding')
    truncateSync(join(dir, 'model-00002-of-00003.safetensors'), 400_000)
    await expectError(() => open(dir), 'TENSOR_INVALID', ['model-00002-of-00003.safetensors', 'truncated'])
    truncateSync(join(dir, 'model-00002-of-00003.safetensors'), 2000)
    await expectError(() => open(dir), 'CHECKPOINT_INVALID', ['model-00002-of-00003.safetensors', 'truncated'])
  })
})

describe('a folder without an index', () => {
  it('has one file', async () => {
    const dir = copyOfGolden('qwen3-embedding')
    const { tensors, files } = await open(dir)
    expect([files.length, tensors.size]).toEqual([1, 35])
  })

  it('may be empty', () => expectError(() => open(temporaryFolder()), 'CHECKPOINT_FILE_MISSING', 'no weights'))

  it.each(['pytorch_model.bin', 'model.gguf', 'model.onnx', 'consolidated.pth'])('may only have %s', async (name) => {
    const dir = copyOfGolden('qwen3-embedding')
    copyFileSync(join(dir, 'model.safetensors'), join(dir, name))
    unlinkSync(join(dir, 'model.safetensors'))
    await expectError(() => open(dir), 'MODEL_UNSUPPORTED', [name, 'safetensors'])
  })
})
