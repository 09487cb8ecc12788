// Gets the bytes behind a reference, whatever its kind.

import { isDataUrl, readDataUrl } from './data-url.js'
import type { MediaFetcher } from './fetch.js'
import { type LocalRules, readLocalFile } from './local-file.js'

/** Of an encoded image, and of a video file. */
export const maxFileBytes = { image: 20 * 1024 * 1024, video: 256 * 1024 * 1024 } as const

export interface ReferenceRules {
  fetcher: MediaFetcher
  local: LocalRules
}

/** Text is never looked at for links (CVE-2026-0599): only what a request calls an image or a video comes here. */
export async function readReference(
  reference: string,
  kind: 'image' | 'video',
  { fetcher, local }: ReferenceRules,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const maxBytes = maxFileBytes[kind]
  if (isDataUrl(reference)) return readDataUrl(reference, maxBytes)
  if (/^https?:/i.test(reference)) return fetcher.fetch(reference, maxBytes, signal)
  if (/^[a-z][a-z0-9+.-]+:/i.test(reference) && !/^file:/i.test(reference))
    return fetcher.fetch(reference, maxBytes, signal)
  return readLocalFile(reference, local, maxBytes)
}
