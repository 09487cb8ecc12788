// The flags about images and videos as engine options.

import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Fields } from '../api/fields.js'
import { parseVisualSettings } from '../api/visual-settings.js'
import type { MediaOptions } from '../engine/options.js'
import type { VisualSettings } from '../engine/requests.js'
import { asQvlError, QvlError } from '../errors.js'
import { parseNetworks } from '../media/addresses.js'
import { imageLimits } from '../media/smart-resize.js'
import type { JsonObject } from './flag.js'
import { isJsonObject } from './flag-value.js'
import type { Settings } from './settings.js'

const GiB = 1024 ** 3

/** `base` is the folder that relative paths begin at; what is below it may be read too. Throws USAGE. */
export async function mediaOptions(settings: Settings, base?: string): Promise<MediaOptions> {
  const timeout = settings['media-fetch-timeout']
  const cache = settings['mm-processor-cache-gb']
  return {
    allowedDomains: words(settings['allowed-media-domains']),
    allowedNetworks: networks(words(settings['allowed-media-networks'])),
    localRoots: [...(base === undefined ? [] : [base]), ...(await folders(settings['allowed-local-media-path']))],
    localBase: base,
    fetchTimeoutMs: timeout && timeout * 1000,
    ...visualSettings(settings),
    limitPerPrompt: settings['language-model-only'] ? { image: 0, video: 0 } : limits(settings['limit-mm-per-prompt']),
    cacheBytes: cache === undefined ? undefined : cache * GiB,
    ffmpeg: settings['ffmpeg-path'],
  }
}

/** Neither hosts nor networks have commas in them; a variable holds several so. */
const words = (given: readonly string[]): string[] =>
  given.flatMap((text) => text.split(/[\s,]+/)).filter((word) => word !== '')

function networks(given: readonly string[]): readonly string[] {
  parseNetworks(given)
  return given
}

/** vLLM's empty path is none. */
async function folders(given: readonly string[]): Promise<string[]> {
  const paths = given.filter((path) => path !== '').map((path) => resolve(path))
  for (const path of paths) {
    const isFolder = await stat(path).then(
      (stats) => stats.isDirectory(),
      () => false,
    )
    if (!isFolder) throw notFolder(path)
  }
  return paths
}

/** The same keys as in a request, which the flags stand for. */
function visualSettings(settings: Settings): VisualSettings {
  const kwargs = {
    mm_processor_kwargs: settings['mm-processor-kwargs'],
    media_io_kwargs: settings['media-io-kwargs'],
  }
  const { image, video } = asFlags(() => parseVisualSettings(new Fields(kwargs, ''))) ?? {}
  const { minPixels, maxPixels } = { ...imageLimits, ...image }
  if (minPixels > maxPixels) throw contradiction(minPixels, maxPixels)
  return { image, video }
}

function asFlags<Result>(parse: () => Result): Result {
  try {
    return parse()
  } catch (error) {
    const { code, details } = asQvlError(error)
    if (code === 'INTERNAL') throw error
    const flag = details.param?.startsWith('media_io_kwargs') ? '--media-io-kwargs' : '--mm-processor-kwargs'
    throw new QvlError('USAGE', { ...details, param: flag })
  }
}

/** A number, or vLLM's object with sizes for its memory profile, of which only the count says something here. */
function limits(given: JsonObject = {}): { image?: number; video?: number } {
  const counts: { image?: number; video?: number } = {}
  for (const [kind, value] of Object.entries(given)) {
    const count = isJsonObject(value) ? (value.count ?? undefined) : value
    if (count !== undefined && !isCount(count)) throw notCount(kind)
    if (kind === 'image' || kind === 'video') {
      if (count !== undefined) counts[kind] = count
    } else if (kind !== 'audio') throw notKind(kind)
  }
  return counts
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

const refused = (param: string, what: string, why: string, fix: string): QvlError =>
  new QvlError('USAGE', { what, why, do: fix, param })

const notFolder = (path: string): QvlError =>
  refused('--allowed-local-media-path', `${path} is no folder.`, 'Files are read below folders.', 'Name a folder.')

const contradiction = (minPixels: number, maxPixels: number): QvlError =>
  refused(
    '--mm-processor-kwargs',
    `Images are to have at least ${minPixels} pixels and at most ${maxPixels}.`,
    'What is left out has its default.',
    'Give min_pixels and max_pixels together.',
  )

const notCount = (kind: string): QvlError =>
  refused(
    '--limit-mm-per-prompt',
    `The limit of ${JSON.stringify(kind)} is not a whole number from 0.`,
    'It says how many are taken.',
    'Write it as {"image": 4} or {"video": {"count": 1}}.',
  )

const notKind = (kind: string): QvlError =>
  refused(
    '--limit-mm-per-prompt',
    `There is nothing called ${JSON.stringify(kind)} in a prompt.`,
    'A prompt may have images and videos.',
    'Use the keys image and video.',
  )
