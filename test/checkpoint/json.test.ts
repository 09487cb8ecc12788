import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Fields } from '#qvl/checkpoint/fields.js'
import { readJsonFile, readOptionalJsonFile } from '#qvl/checkpoint/json.js'
import { expectError, temporaryFolder } from './folders.js'

function written(content: string | Uint8Array): string {
  const path = join(temporaryFolder(), 'settings.json')
  writeFileSync(path, content)
  return path
}

const read = (path: string): Promise<unknown> =>
  readJsonFile(path, { what: 'settings', maxBytes: 1000, maxDepth: 8, maxKeys: 3, maxValues: 20 })

describe('readJsonFile', () => {
  it.each([
    ['an object', '{"a":[1,{"b":null}],"c":"x"}', { a: [1, { b: null }], c: 'x' }],
    ['a byte order mark', '\ufeff{"a":1}', { a: 1 }],
    ['one key in two objects', '[{"a":1},{"a":{"a":2}}]', [{ a: 1 }, { a: { a: 2 } }]],
    ['a key equal to a text', '{"a":"b","b":["a","a"]}', { a: 'b', b: ['a', 'a'] }],
    ['structure inside texts', '{"a":"{\\"a\\":[,:\\\\","b":"NaN"}', { a: '{"a":[,:\\', b: 'NaN' }],
    ['a key ending in a backslash', '{"a\\\\":1,"a":2}', { 'a\\': 1, a: 2 }],
    ['a number at the top', '1', 1],
  ])('reads %s', async (_what, text, expected) => {
    expect(await read(written(text))).toEqual(expected)
  })

  it.each<[string, string | Uint8Array, string]>([
    ['an empty file', '', 'not valid JSON'],
    ['a web page', '<!DOCTYPE html><html>NOT FOUND</html>', 'not valid JSON'],
    ['a trailing comma', '{"a":1,}', 'not valid JSON'],
    ['text after the value', '{} x', 'not valid JSON'],
    ['an open text', '{"a', 'not closed'],
    ['a repeated key', '{"a":1,"b":{"c":1,"c":2}}', '"c" appears twice'],
    ['a repeated key, escaped', '{"a":1,"\\u0061":2}', '"a" appears twice'],
    ['__proto__', '{"a":{"__proto__":{}}}', '__proto__'],
    ['__proto__, escaped', '{"\\u005f_proto__":{}}', '__proto__'],
    ['NaN', '{"a":NaN}', 'NaN'],
    ['Infinity', '{"a":Infinity}', 'Infinity'],
    ['minus Infinity', '{"a":-Infinity}', 'Infinity'],
    ['nine levels', '[[[[[[[[[]]]]]]]]]', '8 levels'],
    ['four keys', '{"a":1,"b":1,"c":1,"d":1}', '3 keys'],
    ['21 elements', `[${'0,'.repeat(21)}0]`, '20 values'],
    ['invalid UTF-8', Buffer.from('{"a":"\xe9"}', 'latin1'), 'UTF-8'],
    ['1001 bytes', `"${'x'.repeat(999)}"`, '1001 bytes'],
  ])('refuses %s', (_what, text, words) => expectError(() => read(written(text)), 'CHECKPOINT_INVALID', words))

  it('names the file that is missing', () =>
    expectError(() => read(join(temporaryFolder(), 'settings.json')), 'CHECKPOINT_FILE_MISSING', 'settings.json'))

  it('an optional file may be missing, but not be wrong', async () => {
    expect(await readOptionalJsonFile(join(temporaryFolder(), 'x.json'), { what: 'settings' })).toBeUndefined()
    await expectError(() => readOptionalJsonFile(written('{'), { what: 'settings' }), 'CHECKPOINT_INVALID', 'JSON')
  })
})

describe('Fields', () => {
  const fields = new Fields(
    { n: 3, x: 0.5, s: 'text', b: false, list: [1, 2], words: ['a'], inner: { deep: -1 }, none: null },
    { file: 'config.json', code: 'CONFIG_INVALID' },
  )
  const range = { min: 0, max: 10 }

  it('reads what fits', () => {
    expect(fields.int('n', range)).toBe(3)
    expect(fields.number('x', range)).toBe(0.5)
    expect(fields.string('s')).toBe('text')
    expect(fields.optionalBoolean('b')).toBe(false)
    expect(fields.ints('list', range)).toEqual([1, 2])
    expect(fields.optionalStrings('words')).toEqual(['a'])
    expect(fields.object('inner').int('deep', { min: -1, max: 0 })).toBe(-1)
  })

  it('null is absent, and so are inherited names', () => {
    expect(fields.has('none')).toBe(false)
    expect(fields.optionalString('none')).toBeUndefined()
    expect(fields.optionalObject('toString')).toBeUndefined()
  })

  it.each<[string, () => unknown, string[]]>([
    ['missing', () => fields.int('m', range), ['m', 'missing', 'from 0 to 10']],
    ['null', () => fields.string('none'), ['none', 'missing']],
    ['too large', () => fields.int('n', { min: 0, max: 2 }), ['n', '3', 'from 0 to 2']],
    ['not whole', () => fields.int('x', range), ['x', '0.5', 'whole']],
    ['text for a number', () => fields.number('s', range), ['s', '"text"']],
    ['number for text', () => fields.string('n'), ['n', '3']],
    ['list for an object', () => fields.object('list'), ['list', 'an object']],
    ['wrong item', () => fields.ints('list', { min: 0, max: 1 }), ['list', 'from 0 to 1']],
    ['nested', () => fields.object('inner').int('deep', range), ['inner.deep', '-1']],
  ])('%s', (_what, action, words) => expectError(action, 'CONFIG_INVALID', ['config.json', ...words]))
})
