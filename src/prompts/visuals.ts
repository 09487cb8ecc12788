// Images and videos in prompts: marks in a side's text while the prompt is put together, pad tokens in the end.

import { QvlError } from '../errors.js'
import { oneDecimal } from '../media/sampling.js'
import type { VisualFacts } from '../media/visual.js'
import { type RichText, type Segment, template } from '../text/rich-text.js'
import type { Tokenizer } from '../text/tokenizer.js'
import type { Content, Part } from './content.js'

/** What is known of the images and videos of a request, by `visualReference`. */
export type Visuals = ReadonlyMap<string, VisualFacts>

/** An image or video in a finished prompt. */
export interface PlacedVisual {
  facts: VisualFacts
  /** Index of the first token of the image, or of each pair of frames. */
  starts: readonly number[]
}

/** The name under which a part's image or video is looked up. */
export function visualReference(part: MediaPart): string {
  if (part.type === 'image') return `image ${part.image}`
  return `video ${typeof part.video === 'string' ? part.video : JSON.stringify(part.video)}`
}

export type MediaPart = Exclude<Part, { type: 'text' }>

/** The images and videos of a content, each once. */
export function mediaParts(content: Content): MediaPart[] {
  return typeof content === 'string' ? [] : content.filter((part) => part.type !== 'text')
}

const pads = { image: '<|image_pad|>', video: '<|video_pad|>' } as const

/** A private-use plane: no text needs it, and one that has it anyway gets marks from further on. */
const firstMark = 0x100000

/**
 * The marks of one prompt: each stands for one image or video and is one character, so that sides can be handled as
 * strings. User text stays user text: a mark is only known here.
 */
export class VisualMarks {
  readonly #visuals: Visuals | undefined
  readonly #marked = new Map<string, VisualFacts>()
  #next: number

  /** `texts` are all texts that go into the prompt; their characters are no marks. */
  constructor(visuals: Visuals | undefined, contents: readonly Content[]) {
    this.#visuals = visuals
    this.#next = firstMark
    if (visuals === undefined) return
    const texts = contents.flatMap((content) => (typeof content === 'string' ? [content] : content.map(textOf)))
    for (const text of texts) for (const code of privateCodes(text)) this.#next = Math.max(this.#next, code + 1)
  }

  /** The marks of a content's videos, then of its images, as the official scripts order them. Throws MEDIA_UNSUPPORTED. */
  marksOf(content: Content, param?: string): string {
    const parts = mediaParts(content)
    const ordered = [...parts.filter(({ type }) => type === 'video'), ...parts.filter(({ type }) => type === 'image')]
    return ordered.map((part) => this.#mark(part, param)).join('')
  }

  /** Whether the prompt has any. */
  get hasAny(): boolean {
    return this.#marked.size > 0
  }

  /** What is left of a side when its text is cut to nothing. */
  withoutText(side: string): string {
    return Array.from(side, (character) => (this.#marked.has(character) ? character : '')).join('')
  }

  /** The text with the tokens of each image and video in place of its mark. */
  expand(text: RichText): RichText {
    return this.#marked.size === 0 ? text : text.flatMap((segment) => this.#expandSegment(segment))
  }

  /** Where the images and videos of a finished prompt stand; undefined without any. Throws INPUT_TOO_LONG for a cut one. */
  place(ids: ArrayLike<number>, tokenizer: Tokenizer): PlacedVisual[] | undefined {
    return this.#marked.size === 0
      ? undefined
      : placeAmong(ids, [...this.#marked.values()], { tokenizer, broken: cutVisual })
  }

  #mark(part: MediaPart, param: string | undefined): string {
    const facts = factsOf(part, this.#visuals, param)
    const mark = String.fromCodePoint(this.#next++)
    this.#marked.set(mark, facts)
    return mark
  }

  #expandSegment({ text, from }: Segment): Segment[] {
    const segments: Segment[] = []
    let words = ''
    for (const character of text) {
      const facts = this.#marked.get(character)
      if (facts === undefined) {
        words += character
        continue
      }
      if (words !== '') segments.push({ text: words, from })
      segments.push(template(tokensOf(facts)))
      words = ''
    }
    return words === '' ? segments : [...segments, { text: words, from }]
  }
}

/**
 * Where the images and videos of finished token ids stand, which come in the order of their pad tokens. Throws
 * MEDIA_UNSUPPORTED for one that is not loaded, and REQUEST_INVALID where pad tokens are missing, too many, or apart.
 */
export function placeMedia(
  ids: ArrayLike<number>,
  media: readonly MediaPart[],
  { tokenizer, visuals }: { tokenizer: Tokenizer; visuals: Visuals | undefined },
): PlacedVisual[] {
  const facts = media.map((part) => factsOf(part, visuals))
  const padIds = Object.values(pads).map((pad) => tokenizer.tokenId(pad))
  const numPads = Array.from(ids).filter((id) => padIds.includes(id)).length
  const numTokens = facts.reduce((sum, { tokens, kind, times }) => {
    return sum + tokens.height * tokens.width * (kind === 'video' ? times.length : 1)
  }, 0)
  if (numPads !== numTokens) throw otherPads(numPads, numTokens)
  return placeAmong(ids, facts, { tokenizer, broken: brokenPads })
}

function factsOf(part: MediaPart, visuals: Visuals | undefined, param?: string): VisualFacts {
  const facts = visuals?.get(visualReference(part))
  if (facts === undefined) throw notLoaded(part.type, param)
  return facts
}

interface PlaceOptions {
  tokenizer: Tokenizer
  /** What is thrown for one whose pad tokens are not all there, one after the other. */
  broken(facts: VisualFacts): QvlError
}

function placeAmong(
  ids: ArrayLike<number>,
  visuals: readonly VisualFacts[],
  { tokenizer, broken }: PlaceOptions,
): PlacedVisual[] {
  let next = 0
  return visuals.map((facts) => {
    const pad = tokenizer.tokenId(pads[facts.kind])
    const perFrame = facts.tokens.height * facts.tokens.width
    const numFrames = facts.kind === 'video' ? facts.times.length : 1
    const starts = Array.from({ length: numFrames }, () => {
      while (next < ids.length && ids[next] !== pad) next++
      const start = next
      for (; next < start + perFrame; next++) if (ids[next] !== pad) throw broken(facts)
      return start
    })
    return { facts, starts }
  })
}

/** Each pair of frames of a video has its time before it; the words are tokenised with what stands around them. */
function tokensOf({ kind, tokens: { height, width }, times }: VisualFacts): string {
  const block = `<|vision_start|>${pads[kind].repeat(height * width)}<|vision_end|>`
  return kind === 'image' ? block : times.map((seconds) => `<${oneDecimal(seconds)} seconds>${block}`).join('')
}

const textOf = (part: Part): string => (part.type === 'text' ? part.text : '')

function privateCodes(text: string): number[] {
  const found = text.match(/[\u{100000}-\u{10FFFF}]/gu) ?? []
  return found.map((character) => character.codePointAt(0)!)
}

function notLoaded(kind: 'image' | 'video', param: string | undefined): QvlError {
  return new QvlError('MEDIA_UNSUPPORTED', {
    what: `This input has ${kind === 'image' ? 'an image' : 'a video'} part.`,
    why: 'Images and videos are not loaded for this request.',
    do: `Remove the ${kind} part.`,
    ...(param !== undefined && { param }),
  })
}

const otherPads = (pads: number, tokens: number): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: `The token ids have ${pads} places for images and videos, and those that were sent take ${tokens}.`,
    why: 'Each image and each pair of frames stands where its pad tokens are.',
    do: 'Send the images that the ids were made for, in their sizes.',
  })

const brokenPads = ({ kind, tokens: { height, width } }: VisualFacts): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: `The token ids have no ${height * width} pad tokens in a row for ${kind === 'image' ? 'an image' : 'frames of a video'}.`,
    why: 'Each image and each pair of frames stands where its pad tokens are; images and videos have different ones.',
    do: 'Send the images and videos in the order of their pad tokens.',
  })

function cutVisual({ kind }: VisualFacts): QvlError {
  return new QvlError('INPUT_TOO_LONG', {
    what: `The limit leaves no room for ${kind === 'image' ? 'an image' : 'a video'} of this input.`,
    why: 'An image or video is never cut: its remaining part would be another picture.',
    do: 'Raise the limit, send fewer images, or make them smaller with --mm-processor-kwargs.',
  })
}
