import { describe, expect, it } from 'vitest'
import { parseJsonText } from '#qvl/api/json-text.js'
import { QvlError } from '#qvl/errors.js'

describe('JSON that is accepted', () => {
  const texts = ['{"a":[1,2,{"b":null}]}', ' "text" ', '"\\ud83d\\ude00"', '{"constructor":"Ford"}', '-0.5e+3', '[]\r']
  it.each(texts)('%s', (text) => {
    expect(parseJsonText(text, 'The body')).toEqual(JSON.parse(text))
  })
})

describe('JSON that is refused', () => {
  it.each([
    ['at character 7', '{"a": tru}'],
    ['at character 9', '{"a": 1,}'],
    ['at character 6', '{"a" 1}'],
    ['at character 2', '{a: 1}'],
    ['it ends too early', '[1, 2'],
    ['it ends too early', ''],
    ['at character 3', '1 2'],
    ['at character 2', '01'],
    ['at character 2', '"\\x"'],
    ['at character 2', '"\\u12g4"'],
    ['at character 5', '"tab\there"'],
    ['it is wrong at character 2', "{'a': 1}"],
    ['it ends too early', '{"a": 1'],
    ['NaN', '{"a": NaN}'],
    ['more than 32 levels', `${'['.repeat(10_000)}`],
    ['__proto__', '{"__proto__": {}}'],
    ['__proto__', '{"\\u005f_proto__": {}}'],
    ['constructor.prototype', '{"constructor": {"prototype": {"x": 1}}}'],
    ['appears twice', '{"query": "a", "query": "b"}'],
    ['`input[1].text` has half of a surrogate pair', '{"input": ["a", {"text": "\\ud83d"}]}'],
    ['It has half of a surrogate pair', '{"a secret": "\\ud83d"}'],
    ['surrogate', '{"\\ude00": 1}'],
    ['more than 1000000 values', `[${'0,'.repeat(1_000_000)}0]`],
  ])('%s', (message, text) => {
    const error = refusal(text)
    expect(error).toMatchObject({ code: 'REQUEST_SCHEMA', message: expect.stringContaining(message) })
  })

  it('never repeats the text', () => {
    expect(refusal('{"key": "sk-secret" oops}').message).not.toContain('secret')
  })

  it('does not touch the prototype', () => {
    refusal('{"__proto__": {"polluted": 1}}')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })

  it('finds the mistake in a long text', () => {
    const text = `{"text": "${'\\n'.repeat(100_000)}", x}`
    expect(refusal(text).message).toContain(`at character ${text.length - 1}`)
  })
})

function refusal(text: string): QvlError {
  try {
    parseJsonText(text, 'The body')
  } catch (error) {
    if (error instanceof QvlError) return error
  }
  throw new Error('nothing was refused')
}
