// Checks the options of a program. What TypeScript would have refused is refused here: a program may be plain JavaScript.

import { QvlError } from '../errors.js'

/** What a value has to be, in words and as a test. */
export interface Rule {
  wanted: string
  fits(value: unknown): boolean
}

/** Of options that are an object of their own. */
interface Within {
  within: NamedRules
}

type NamedRules = Readonly<Record<string, Rule | Within>>

/** A rule for every option, and none besides. */
export type Rules<Options> = { readonly [Name in keyof Required<Options>]: Rule | Within }

export const text: Rule = { wanted: 'a string', fits: (value) => typeof value === 'string' }
export const flag: Rule = { wanted: 'true or false', fits: (value) => typeof value === 'boolean' }
export const callback: Rule = { wanted: 'a function', fits: (value) => typeof value === 'function' }
export const object: Rule = { wanted: 'an object', fits: isObject }
export const signal: Rule = { wanted: 'an AbortSignal', fits: (value) => value instanceof AbortSignal }
export const positive: Rule = {
  wanted: 'a number above 0',
  fits: (value) => Number.isFinite(value) && Number(value) > 0,
}

export const texts: Rule = {
  wanted: 'a list of strings',
  fits: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
}

export const wholeFrom = (least: number): Rule => ({
  wanted: `a whole number from ${least}`,
  fits: (value) => Number.isSafeInteger(value) && Number(value) >= least,
})

/** Tokens, where -1 stands for the limit of the model. */
export const tokensOrLimit: Rule = {
  wanted: 'a whole number from 1, or -1 for the limit of the model',
  fits: (value) => value === -1 || wholeFrom(1).fits(value),
}

export const oneOf = (...choices: readonly string[]): Rule => ({
  wanted: `one of ${choices.join(', ')}`,
  fits: (value) => typeof value === 'string' && choices.includes(value),
})

interface Place {
  code: 'USAGE' | 'REQUEST_INVALID'
  /** What errors call the object. */
  name: string
}

/** An option that is undefined counts as absent. Throws the code of the place. */
export function checkOptions(rules: NamedRules, options: unknown, { code, name }: Place): void {
  if (!isObject(options)) throw unfit(name, options, { code, wanted: 'an object' })
  const known = new Map(Object.entries(rules))
  for (const [key, value] of Object.entries(options)) {
    const param = name === 'options' ? key : `${name}.${key}`
    const rule = known.get(key)
    if (rule === undefined) throw unknownOption(param, [...known.keys()], code)
    if (value === undefined) continue
    if ('within' in rule) checkOptions(rule.within, value, { code, name: param })
    else if (!rule.fits(value)) throw unfit(param, value, { code, wanted: rule.wanted })
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const unknownOption = (param: string, known: readonly string[], code: Place['code']): QvlError =>
  new QvlError(code, {
    what: `There is no option \`${param}\` here.`,
    why: `The options are: ${known.join(', ')}.`,
    do: 'Correct the name, or leave it out.',
    param,
  })

const unfit = (param: string, value: unknown, { code, wanted }: Pick<Place, 'code'> & { wanted: string }): QvlError =>
  new QvlError(code, {
    what: `\`${param}\` is ${shown(value)}.`,
    why: `It has to be ${wanted}.`,
    do: 'Correct it, or leave it out.',
    param,
  })

const maxShown = 40

function shown(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > maxShown ? `${value.slice(0, maxShown)}...` : value)
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}
