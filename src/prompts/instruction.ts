// Instructions: when one counts as given, and how the VL embedder writes it.

import { type Segment, template, user } from '../text/rich-text.js'

/** A blank instruction counts as none, as in the official scripts. */
export function givenInstruction(instruction: string | undefined): string | undefined {
  return instruction === undefined || instruction.trim() === '' ? undefined : instruction
}

/** The instruction as the user's text, or the format's default. */
export function instructionSegment(instruction: string | undefined, official: string): Segment {
  const given = givenInstruction(instruction)
  return given === undefined ? template(official) : user(given)
}

/** The VL embedder's script: strip, then end with a period unless the last character is punctuation (Unicode P). */
export function asSentence(instruction: string): string {
  const text = instruction.trim()
  return /\p{P}$/u.test(text) ? text : `${text}.`
}
