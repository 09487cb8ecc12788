// An input line to work: parsed, its images and videos loaded, its prompts made.

import { invalidField, isList, isObject } from '../api/fields.js'
import { parseJsonText } from '../api/json-text.js'
import { contentsOfEmbed, contentsOfScore, hasMedia } from '../engine/request-contents.js'
import type { LoadedVisuals, NamedContent } from '../engine/requests.js'
import { asQvlError, type QvlError } from '../errors.js'
import { batchLine, isBatchLine } from './batch-lines.js'
import { embedLine } from './embed-lines.js'
import { type Asked, type LineContext, type LineForm, type LineRequest, lineFailure, type Work } from './item.js'
import type { Line } from './lines.js'
import { scoreLine } from './score-lines.js'

/** A line as far as its text goes. */
export interface ParsedLine {
  asked: Asked | QvlError
  failure: LineForm['failure']
  contents: readonly NamedContent[]
  hasMedia: boolean
}

/** Never throws: a line that asks for something wrong is an error among the others. */
export function parseLine(line: Line, index: number, context: LineContext): ParsedLine {
  let failure: LineForm['failure'] = (error) => lineFailure({ index }, error)
  try {
    if (typeof line.text !== 'string') throw line.text
    const form = formOf(parseJsonText(line.text, `Line ${line.number}`), index, context)
    failure = form.failure
    const asked = form.ask()
    const contents = asked.requests.flatMap(contentsOf)
    return { asked, failure, contents, hasMedia: hasMedia(contents) }
  } catch (error) {
    return { asked: asQvlError(error), failure, contents: [], hasMedia: false }
  }
}

/** The work, or why there is none. Throws nothing but the signal's reason. */
export async function prepareWork(
  { asked, contents, hasMedia }: ParsedLine,
  { engine, explain }: LineContext,
  signal: AbortSignal,
): Promise<{ work: Work | QvlError; loaded: LoadedVisuals | undefined }> {
  if (!('requests' in asked)) return { work: asked, loaded: undefined }
  try {
    const loaded = hasMedia ? await engine.loadVisuals(contents, signal) : undefined
    const visuals = loaded?.facts
    const tasks = asked.requests.map(({ kind, request }) =>
      kind === 'embed'
        ? engine.preparer.embed({ ...request, visuals }, { texts: explain })
        : engine.preparer.score({ ...request, visuals }, { texts: explain }),
    )
    return { work: { tasks, render: asked.render }, loaded }
  } catch (error) {
    signal.throwIfAborted()
    return { work: asQvlError(error), loaded: undefined }
  }
}

function formOf(value: unknown, index: number, context: LineContext): LineForm {
  if (isBatchLine(value)) return batchLine(value, index, context)
  if (context.command === 'score') {
    if (isObject(value)) return scoreLine(value, index, context)
    throw invalidField('line', value, 'a JSON object with `query` and `documents`')
  }
  if (isObject(value) || isList(value) || typeof value === 'string') return embedLine(value, index, context)
  throw invalidField('line', value, 'a JSON string, or a JSON object with `text`, `image` or `video`')
}

const contentsOf = ({ kind, request }: LineRequest): NamedContent[] =>
  kind === 'embed' ? contentsOfEmbed(request) : contentsOfScore(request)
