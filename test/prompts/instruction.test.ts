// Instructions as the embedder's script writes them, and what counts as an instruction.

import { describe, expect, it } from 'vitest'
import { asSentence, givenInstruction } from '#qvl/prompts/instruction.js'
import { readGolden } from '../support/golden.js'

const { cases } = readGolden<{ cases: [string, string][] }>('standalone/instruction.json')

describe('instruction', () => {
  it.each(cases)('%j becomes %j', (given, expected) => {
    expect(asSentence(givenInstruction(given) ?? "Represent the user's input.")).toBe(expected)
  })

  it.each([undefined, '', ' ', '\n\t'])('%j counts as none', (blank) => {
    expect(givenInstruction(blank)).toBeUndefined()
  })
})
