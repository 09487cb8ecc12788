import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openSafetensors } from '#qvl/checkpoint/safetensors.js'
import { errorOf, expectError, safetensorsBytes, temporaryFolder } from './folders.js'

const noData = new Uint8Array(0)
const fourBytes = new Uint8Array(4)
const entry = (fields: object = {}): object => ({ dtype: 'F32', shape: [1], data_offsets: [0, 4], ...fields })
const file = (header: unknown, data: Uint8Array = fourBytes): Uint8Array =>
  safetensorsBytes(JSON.stringify(header), data)
const oneTensor = (fields: object, data?: Uint8Array): Uint8Array => file({ a: entry(fields) }, data)

interface BrokenFile {
  rule: string
  bytes: Uint8Array
  code: 'CHECKPOINT_INVALID' | 'TENSOR_INVALID'
  words: string | string[]
}

const broken: BrokenFile[] = [
  { rule: '1 empty file', bytes: noData, code: 'CHECKPOINT_INVALID', words: 'ends after 0 bytes' },
  { rule: '1 seven bytes', bytes: new Uint8Array(7), code: 'CHECKPOINT_INVALID', words: 'ends after 7 bytes' },
  {
    rule: '1 header length over 2^53',
    bytes: safetensorsBytes('{}', noData, 2n ** 64n - 1n),
    code: 'CHECKPOINT_INVALID',
    words: '18446744073709551615',
  },
  {
    rule: '2 header length over the limit',
    bytes: safetensorsBytes('{}', noData, 100_000_001n),
    code: 'CHECKPOINT_INVALID',
    words: 'at most 100000000',
  },
  { rule: '2 header length zero', bytes: new Uint8Array(8), code: 'CHECKPOINT_INVALID', words: 'at least 2' },
  {
    rule: '3 header longer than the file',
    bytes: safetensorsBytes('{}', noData, 3n),
    code: 'CHECKPOINT_INVALID',
    words: 'truncated',
  },
  {
    rule: '4 leading space',
    bytes: safetensorsBytes(' {}', noData),
    code: 'CHECKPOINT_INVALID',
    words: 'does not begin with {',
  },
  {
    rule: '4 leading byte order mark',
    bytes: safetensorsBytes('\ufeff{}', noData),
    code: 'CHECKPOINT_INVALID',
    words: 'does not begin with {',
  },
  {
    rule: '5 not UTF-8',
    bytes: safetensorsBytes(Buffer.from('{"a\xff":1}', 'latin1'), noData),
    code: 'CHECKPOINT_INVALID',
    words: 'UTF-8',
  },
  { rule: '6 not JSON', bytes: safetensorsBytes('{"a"', noData), code: 'CHECKPOINT_INVALID', words: 'not valid JSON' },
  {
    rule: '6 two objects',
    bytes: safetensorsBytes('{}{}', noData),
    code: 'CHECKPOINT_INVALID',
    words: 'not valid JSON',
  },
  {
    rule: '6 repeated key',
    bytes: safetensorsBytes(`{"a":${JSON.stringify(entry())},"a":${JSON.stringify(entry())}}`, fourBytes),
    code: 'CHECKPOINT_INVALID',
    words: ['"a"', 'twice'],
  },
  {
    rule: '6 repeated key, written differently',
    bytes: safetensorsBytes(`{"a":${JSON.stringify(entry())},"\\u0061":${JSON.stringify(entry())}}`, fourBytes),
    code: 'CHECKPOINT_INVALID',
    words: ['"a"', 'twice'],
  },
  {
    rule: '6 nested too deep',
    bytes: safetensorsBytes(`{"a":${'['.repeat(1000)}${']'.repeat(1000)}}`, noData),
    code: 'CHECKPOINT_INVALID',
    words: 'deep',
  },
  {
    rule: '6 __proto__ as a tensor',
    bytes: safetensorsBytes('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', fourBytes),
    code: 'CHECKPOINT_INVALID',
    words: '__proto__',
  },
  {
    rule: '7 metadata not an object',
    bytes: file({ __metadata__: [] }, noData),
    code: 'CHECKPOINT_INVALID',
    words: '__metadata__',
  },
  {
    rule: '7 metadata value not text',
    bytes: file({ __metadata__: { format: 1 } }, noData),
    code: 'CHECKPOINT_INVALID',
    words: ['__metadata__', 'format'],
  },
  { rule: '8 entry not an object', bytes: file({ a: 1 }), code: 'TENSOR_INVALID', words: 'not a JSON object' },
  { rule: '8 unknown dtype', bytes: oneTensor({ dtype: 'F33' }), code: 'TENSOR_INVALID', words: ['dtype', 'F33'] },
  {
    rule: '8 inherited name as dtype',
    bytes: oneTensor({ dtype: 'toString' }),
    code: 'TENSOR_INVALID',
    words: 'dtype',
  },
  { rule: '8 no dtype', bytes: oneTensor({ dtype: undefined }), code: 'TENSOR_INVALID', words: 'dtype' },
  { rule: '8 no shape', bytes: oneTensor({ shape: undefined }), code: 'TENSOR_INVALID', words: 'shape' },
  { rule: '8 negative axis', bytes: oneTensor({ shape: [-1] }), code: 'TENSOR_INVALID', words: 'shape' },
  { rule: '8 fraction as axis', bytes: oneTensor({ shape: [0.5] }), code: 'TENSOR_INVALID', words: 'shape' },
  { rule: '8 axis over 2^53', bytes: oneTensor({ shape: [2 ** 53] }), code: 'TENSOR_INVALID', words: 'shape' },
  { rule: '8 text as axis', bytes: oneTensor({ shape: ['1'] }), code: 'TENSOR_INVALID', words: 'shape' },
  {
    rule: '8 no offsets',
    bytes: oneTensor({ data_offsets: undefined }),
    code: 'TENSOR_INVALID',
    words: 'data_offsets',
  },
  { rule: '8 one offset', bytes: oneTensor({ data_offsets: [0] }), code: 'TENSOR_INVALID', words: 'data_offsets' },
  {
    rule: '8 negative offset',
    bytes: oneTensor({ data_offsets: [-4, 0] }),
    code: 'TENSOR_INVALID',
    words: 'data_offsets',
  },
  { rule: '9 overflow', bytes: oneTensor({ shape: [2 ** 40, 2 ** 40] }), code: 'TENSOR_INVALID', words: 'overflows' },
  {
    rule: '9 overflow to what a double would lose',
    bytes: oneTensor({ shape: [2 ** 52, 4], data_offsets: [0, 0] }),
    code: 'TENSOR_INVALID',
    words: 'overflows',
  },
  {
    rule: '9 half a byte',
    bytes: oneTensor({ dtype: 'F4', shape: [3], data_offsets: [0, 2] }),
    code: 'TENSOR_INVALID',
    words: 'whole bytes',
  },
  {
    rule: '10 range too short',
    bytes: oneTensor({ shape: [2] }),
    code: 'TENSOR_INVALID',
    words: ['4 bytes', '8 bytes'],
  },
  {
    rule: '10 range too long',
    bytes: oneTensor({ shape: [], dtype: 'BF16' }),
    code: 'TENSOR_INVALID',
    words: '2 bytes',
  },
  { rule: '10 range backwards', bytes: oneTensor({ data_offsets: [4, 0] }), code: 'TENSOR_INVALID', words: 'before' },
  {
    rule: '11 first tensor not at 0',
    bytes: oneTensor({ data_offsets: [4, 8] }, new Uint8Array(8)),
    code: 'TENSOR_INVALID',
    words: ['"a"', 'gap'],
  },
  {
    rule: '11 gap',
    bytes: file({ a: entry(), b: entry({ data_offsets: [8, 12] }) }, new Uint8Array(12)),
    code: 'TENSOR_INVALID',
    words: ['"b"', 'gap'],
  },
  {
    rule: '11 overlap',
    bytes: file({ a: entry(), b: entry({ data_offsets: [2, 6] }) }, new Uint8Array(6)),
    code: 'TENSOR_INVALID',
    words: ['"b"', 'overlaps'],
  },
  {
    rule: '11 two names for one range',
    bytes: file({ a: entry(), b: entry() }),
    code: 'TENSOR_INVALID',
    words: 'overlaps',
  },
  {
    rule: '12 trailing byte',
    bytes: file({ a: entry() }, new Uint8Array(5)),
    code: 'CHECKPOINT_INVALID',
    words: 'trailing',
  },
  { rule: '12 data missing', bytes: file({ a: entry() }, noData), code: 'TENSOR_INVALID', words: ['"a"', 'truncated'] },
  {
    rule: '12 last byte missing',
    bytes: file({ a: entry() }, new Uint8Array(3)),
    code: 'TENSOR_INVALID',
    words: 'truncated',
  },
  {
    rule: 'a Git LFS pointer',
    bytes: Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n'),
    code: 'CHECKPOINT_INVALID',
    words: 'Git LFS',
  },
]

describe('a safetensors file that breaks a rule is refused', () => {
  it.each(broken)('rule $rule', async ({ bytes, code, words }) => {
    const path = join(temporaryFolder(), 'model.safetensors')
    writeFileSync(path, bytes)
    await expectError(() => openSafetensors(path), code, ['model.safetensors', words].flat())
  })

  it('a name with line breaks and terminal codes is printed as escapes', async () => {
    const path = join(temporaryFolder(), 'model.safetensors')
    writeFileSync(path, file({ 'x\n\u001b[31m\u009b\u202e': entry({ dtype: 'F33' }) }))
    const error = await errorOf(() => openSafetensors(path))
    expect(error.message).toContain('"x\\n\\u001b[31m\\u009b\\u202e"')
    expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  it('a very long name is cut', async () => {
    const path = join(temporaryFolder(), 'model.safetensors')
    writeFileSync(path, file({ ['x'.repeat(1_000_000)]: entry({ dtype: 'F33' }) }))
    const error = await errorOf(() => openSafetensors(path))
    expect(error.message).toContain('xxx…')
    expect(error.message.length).toBeLessThan(1000)
  })
})
