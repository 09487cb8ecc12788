// The images and videos of one request: each reference once, within the limits of one request.

import { setMaxListeners } from 'node:events'
import { QvlError } from '../errors.js'
import type { Media, MediaSource } from '../media/media.js'
import type { Visual, VisualFacts } from '../media/visual.js'
import type { Part } from '../prompts/content.js'
import { mediaParts, visualReference } from '../prompts/visuals.js'
import { maxImagesOpeningPerRequest, maxMediaBytesPerRequest } from './limits.js'
import { named } from './named-error.js'
import type { MediaOptions } from './options.js'
import { Places } from './places.js'
import type { LoadedVisuals, NamedContent, VisualSettings } from './requests.js'
import { checkSettings } from './visual-settings.js'

type MediaPart = Exclude<Part, { type: 'text' }>

export interface LoadVisualsOptions {
  media: Media
  places: Readonly<Record<MediaPart['type'], Places>>
  options: MediaOptions | undefined
  /** Contents that are here already, by the references that stand for them. */
  attachments: ReadonlyMap<string, Uint8Array>
  signal: AbortSignal | undefined
}

interface Wanted {
  part: MediaPart
  param: string | undefined
  settings: VisualSettings
}

/** Throws MEDIA_*, REQUEST_TOO_LARGE for too many, REQUEST_INVALID for settings, or the signal's reason. */
export async function loadVisuals(
  contents: readonly NamedContent[],
  { media, places, options = {}, attachments, signal }: LoadVisualsOptions,
): Promise<LoadedVisuals> {
  checkCounts(contents, options)
  const wanted = wantedOf(contents)
  for (const { settings } of wanted.values()) checkSettings(settings, options)
  // What is left to do when one fails is not worth doing.
  const failed = new AbortController()
  const either = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal])
  // Every image may listen; Node warns at eleven.
  setMaxListeners(0, either)
  const own = new Places(maxImagesOpeningPerRequest)
  const isAttached = (reference: string): boolean => attachments.has(reference)
  let numBytes = 0
  const open = async ({ part, settings }: Wanted): Promise<Visual> => {
    const visual = await openPart(part, settings, { media, attachments, signal: either })
    if (!referencesOf(part).every(isAttached)) numBytes += visual.numBytes
    if (numBytes > maxMediaBytesPerRequest) throw tooMuch()
    return visual
  }
  const loaded = [...wanted].map(async ([reference, each]) => {
    try {
      const visual = await own.take(() => places[each.part.type].take(() => open(each), either), either)
      return [reference, { ...visual, param: each.param }] as const
    } catch (error) {
      const own = signal?.aborted ? signal.reason : named(error, each.param)
      failed.abort(own)
      throw own
    }
  })
  const all = await Promise.all(loaded)
  return {
    facts: new Map(all.map(([reference, visual]) => [reference, factsOf(visual)])),
    byKey: new Map(all.map(([, visual]) => [visual.key, visual])),
    numBytes,
  }
}

function wantedOf(contents: readonly NamedContent[]): Map<string, Wanted> {
  const wanted = new Map<string, Wanted>()
  for (const { content, param, settings = {} } of contents) {
    for (const part of mediaParts(content)) {
      const reference = visualReference(part)
      const known = wanted.get(reference)
      if (known === undefined) wanted.set(reference, { part, param, settings })
      else if (JSON.stringify(known.settings) !== JSON.stringify(settings)) throw twoSettings()
    }
  }
  return wanted
}

const factsOf = ({ kind, key, grid, tokens, times }: Visual): VisualFacts => ({ kind, key, grid, tokens, times })

const referencesOf = (part: MediaPart): readonly string[] =>
  part.type === 'image' ? [part.image] : [part.video].flat()

function openPart(
  part: MediaPart,
  { image, video }: VisualSettings,
  { media, attachments, signal }: Pick<LoadVisualsOptions, 'media' | 'attachments' | 'signal'>,
): Promise<Visual> {
  const sourceOf = (reference: string): MediaSource => attachments.get(reference) ?? reference
  if (part.type === 'image') return media.image(sourceOf(part.image), image, signal)
  const source = typeof part.video === 'string' ? sourceOf(part.video) : part.video.map(sourceOf)
  return media.video(source, video, signal)
}

/** `--limit-mm-per-prompt`: each image may take megabytes of memory while it is decoded. */
const defaultMediaLimits = { image: 64, video: 8 }

/** vLLM's text, which clients look for. */
function checkCounts(contents: readonly NamedContent[], { limitPerPrompt }: MediaOptions): void {
  const limits = { ...defaultMediaLimits, ...limitPerPrompt }
  for (const { content, param } of contents) {
    for (const kind of ['image', 'video'] as const) {
      const count = mediaParts(content).filter(({ type }) => type === kind).length
      if (count <= limits[kind]) continue
      throw new QvlError('REQUEST_TOO_LARGE', {
        what: `At most ${limits[kind]} ${kind}(s) may be provided in one prompt.`,
        why: `${count} were sent.`,
        do: 'Set `--limit-mm-per-prompt` to increase this limit.',
        ...(param !== undefined && { param }),
      })
    }
  }
}

const tooMuch = (): QvlError =>
  new QvlError('MEDIA_TOO_LARGE', {
    what: 'The images and videos of this request are too large together.',
    why: `At most ${maxMediaBytesPerRequest} bytes are fetched for one request.`,
    do: 'Send fewer in one request, or send them smaller.',
  })

const twoSettings = (): QvlError =>
  new QvlError('INTERNAL', { what: 'One image was asked for in two sizes at once; load each request by itself.' })
