// Texts of flags and the values they become, and the table of flags itself.

import { describe, expect, it } from 'vitest'
import { commandNames, environmentName, type Flag, isFor } from '#qvl/cli/flag.js'
import { humanInteger, parseFlagValue } from '#qvl/cli/flag-value.js'
import { flags } from '#qvl/cli/flags.js'
import { editDistance, nearest } from '#qvl/cli/nearest.js'

describe('humanInteger', () => {
  it.each<[string, number | undefined]>([
    ['4096', 4096],
    ['8k', 8000],
    ['8K', 8192],
    ['1.5k', 1500],
    ['1.1k', 1100],
    ['2m', 2_000_000],
    ['1M', 1_048_576],
    ['1g', 1e9],
    ['1T', 2 ** 40],
    ['1.5K', undefined],
    ['1.5', undefined],
    ['1.0005k', undefined],
    ['k', undefined],
    ['1kk', undefined],
    ['-1', undefined],
    ['0x10', undefined],
    ['', undefined],
  ])('%j is %s', (text, expected) => {
    expect(humanInteger(text)).toBe(expected)
  })
})

describe('parseFlagValue', () => {
  it.each<[string, string, unknown]>([
    ['model', 'None', 'None'],
    ['query', '', ''],
    ['revision', 'None', null],
    ['revision', '', null],
    ['threads', '4', 4],
    ['truncate-prompt-tokens', '-1', -1],
    ['max-model-len', '8K', 8192],
    ['max-model-len', 'auto', null],
    ['max-model-len', '-1', null],
    ['device', 'reference', 'reference'],
    ['strict', 'TRUE', true],
    ['strict', '0', false],
    ['random-mm-num-mm-items-range-ratio', '0.25', 0.25],
    ['request-rate', 'inf', Number.POSITIVE_INFINITY],
    ['seed', 'None', null],
    ['quantization', 'None', null],
    ['hf-overrides', '{"a": [1]}', { a: [1] }],
    ['hf-overrides', 'None', null],
    ['document', 'text', 'text'],
  ])('--%s %j is %j', (name, text, expected) => {
    expect(parseFlagValue(flagNamed(name), text, `--${name}`)).toEqual(expected)
  })

  it.each<[string, string, RegExp]>([
    ['threads', '0', /whole number from 1 to/],
    ['threads', '1.5', /whole number/],
    ['threads', 'many', /"many"/],
    ['random-mm-num-mm-items-range-ratio', '1', /a number from 0 to 0.999/],
    ['random-mm-num-mm-items-range-ratio', '-0.1', /a number/],
    ['random-mm-num-mm-items-range-ratio', '1e-1', /a number/],
    ['random-mm-num-mm-items-range-ratio', 'inf', /a number/],
    ['request-rate', '0', /up, or inf/],
    ['threads', '', /whole number/],
    ['threads', '1e3', /whole number/],
    ['truncate-prompt-tokens', '-2', /from -1/],
    ['max-model-len', '0', /8k or 8K/],
    ['device', 'cuda', /auto, cpu, ort, npu, reference/],
    ['strict', 'maybe', /true or false/],
    ['hf-overrides', '"a"', /JSON object/],
  ])('--%s %j is refused', (name, text, message) => {
    expect(() => parseFlagValue(flagNamed(name), text, `QVL_X`)).toThrow(message)
    expect(() => parseFlagValue(flagNamed(name), text, `QVL_X`)).toThrow('QVL_X does not take')
  })
})

describe('the flag table', () => {
  it.each(commandNames)('has no name and no short form twice for %s', (command) => {
    const own = all().filter((flag) => isFor(flag, command))
    const names = own.map((flag) => flag.name)
    const shorts = own.flatMap((flag) => flag.short ?? [])
    expect(new Set(names).size).toBe(names.length)
    expect(new Set(shorts).size).toBe(shorts.length)
  })

  it('gives a name that stands twice one type of value', () => {
    const types = new Map<string, string>()
    for (const { name, type } of all()) {
      expect(types.get(name) ?? type, name).toBe(type)
      types.set(name, type)
    }
  })

  it('holds names in one form, and defaults that are among the choices', () => {
    for (const flag of all()) {
      expect(flag.name).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
      expect(flag.name.startsWith('no-')).toBe(false)
      if (flag.type === 'choice') expect(flag.choices).toContain(flag.default)
    }
  })

  it('names environment variables after flags', () => {
    expect(environmentName(flagNamed('max-model-len'))).toBe('QVL_MAX_MODEL_LEN')
  })
})

describe('nearest', () => {
  it.each<[string, string, number]>([
    ['', '', 0],
    ['abc', 'abc', 0],
    ['abc', '', 3],
    ['modle', 'model', 1],
    ['kitten', 'sitting', 3],
  ])('%j and %j are %d apart', (a, b, distance) => {
    expect(editDistance(a, b)).toBe(distance)
  })

  it.each<[string, string | undefined]>([
    ['outptu', 'output'],
    ['treads', 'threads'],
    ['dimension', 'dimensions'],
    ['frobnicate', undefined],
  ])('%j is nearest to %s', (name, expected) => {
    expect(
      nearest(
        name,
        flags.map((flag) => flag.name),
      ),
    ).toBe(expected)
  })
})

function all(): readonly Flag[] {
  return flags
}

function flagNamed(name: string): Flag {
  const flag = flags.find((one) => one.name === name)
  if (flag === undefined) throw new Error(`no flag ${name}`)
  return flag
}
