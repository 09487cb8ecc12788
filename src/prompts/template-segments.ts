// Which parts of a rendered score template are the template's words, and which are a user's.

import { QvlError } from '../errors.js'
import { plainText, type RichText, type Segment, template, user } from '../text/rich-text.js'
import type { Tokenizer } from '../text/tokenizer.js'

export interface Slots {
  query: string
  document: string
  instruction: string | undefined
}

export interface SlotTemplate {
  /** File name, for messages. */
  name: string
  /** The Jinja source. */
  source: string
  render(slots: Slots): string
}

/**
 * Splits what a template makes of user texts. The template is rendered once with private-use characters for the user's texts;
 * where putting the real texts there gives the real rendering, the segments are known. A template that changes a text (trim,
 * a default for an empty one) gives one segment of template text, which is safe only as long as no user text holds a special
 * token's string. Throws TEMPLATE_INVALID when it does, and at once for a template that shows no query or no document.
 */
export function segmentRenderer(slotTemplate: SlotTemplate, tokenizer: Tokenizer): (slots: Slots) => RichText {
  const marks = unusedCharacters(slotTemplate.source)
  const skeletons = {
    plain: skeleton(slotTemplate, marks, undefined),
    instructed: skeleton(slotTemplate, marks, marks.instruction),
  }
  return (slots) => {
    const rendered = slotTemplate.render(slots)
    const segments = fill(slots.instruction === undefined ? skeletons.plain : skeletons.instructed, marks, slots)
    if (plainText(segments) === rendered) return segments
    refuseSpecialText(slots, slotTemplate.name, tokenizer)
    return [template(rendered)]
  }
}

type Marks = { [Slot in keyof Slots]-?: string }

/** Three characters of a private-use plane that the template itself does not use. */
function unusedCharacters(source: string): Marks {
  const unused: string[] = []
  for (let code = 0xf0000; unused.length < 3; code++) {
    const character = String.fromCodePoint(code)
    if (!source.includes(character)) unused.push(character)
  }
  const [query = '', document = '', instruction = ''] = unused
  return { query, document, instruction }
}

function skeleton({ name, render }: SlotTemplate, marks: Marks, instruction: string | undefined): string {
  const rendered = render({ query: marks.query, document: marks.document, instruction })
  for (const slot of ['query', 'document'] as const) {
    if (rendered.includes(marks[slot])) continue
    throw new QvlError('TEMPLATE_INVALID', {
      what: `The chat template ${name} does not show the ${slot}.`,
      why: `Every pair would get the same score. A score template reads the message whose role is "${slot}".`,
      do: 'Use a score template with the roles query and document, or leave --chat-template out for the official prompt.',
      param: 'chat_template',
    })
  }
  return rendered
}

function fill(rendered: string, marks: Marks, slots: Slots): RichText {
  const segments: Segment[] = []
  let words = ''
  for (const character of rendered) {
    const text = slotText(character, marks, slots)
    if (text === undefined) {
      words += character
      continue
    }
    segments.push(template(words), user(text))
    words = ''
  }
  return [...segments, template(words)].filter((segment) => segment.text !== '')
}

function slotText(character: string, marks: Marks, slots: Slots): string | undefined {
  if (character === marks.query) return slots.query
  if (character === marks.document) return slots.document
  return character === marks.instruction ? slots.instruction : undefined
}

function refuseSpecialText(slots: Slots, name: string, tokenizer: Tokenizer): void {
  for (const slot of ['query', 'document', 'instruction'] as const) {
    const text = slots[slot]
    if (text === undefined || !hasSpecialText(text, tokenizer)) continue
    throw new QvlError('TEMPLATE_INVALID', {
      what: `The chat template ${name} changes the texts it is given, and this ${slot} holds the string of a special token.`,
      why: 'In a changed text the user part cannot be told from the template, so the string would act as a control token.',
      do: 'Use a template that writes query, document and instruction unchanged, or remove the string from the text.',
      param: slot,
    })
  }
}

/** Whether the text reads differently as template text. */
function hasSpecialText(text: string, tokenizer: Tokenizer): boolean {
  const asUser = tokenizer.encode([user(text)])
  const asTemplate = tokenizer.encode([template(text)])
  return asUser.length !== asTemplate.length || asUser.some((id, index) => id !== asTemplate[index])
}
