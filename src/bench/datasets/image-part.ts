// An image of a dataset as a part of a message: by its address, or with its bytes.

import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { quoteName } from '../../checkpoint/quote-name.js'
import { QvlError } from '../../errors.js'
import type { MediaPart } from './request.js'

/** A server that never ends its answer must not hold up the run. */
const fetchTimeoutMs = 30_000

/**
 * `reference` is a URL, a data URL or a path; a path becomes a file URL, which the server has to be allowed to read.
 * With `ensureClientSideData` files and URLs are read here. Throws INPUT_UNREADABLE, MEDIA_UNSUPPORTED.
 */
export async function imagePart(
  reference: string,
  { ensureClientSideData, signal }: { ensureClientSideData: boolean; signal: AbortSignal | undefined },
): Promise<MediaPart & { type: 'image_url' }> {
  const url = /^(https?|file):\/\/|^data:image\//.test(reference) ? reference : `file://${resolve(reference)}`
  const sent = ensureClientSideData && !url.startsWith('data:') ? await dataUrl(url, signal) : url
  return { type: 'image_url', image_url: { url: sent } }
}

async function dataUrl(url: string, signal: AbortSignal | undefined): Promise<string> {
  const bytes = await readBytes(url, signal)
  const { format } = await sharp(bytes)
    .metadata()
    .catch((cause: unknown) => {
      throw notAnImage(url, cause)
    })
  return `data:image/${format};base64,${bytes.toString('base64')}`
}

async function readBytes(url: string, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    if (url.startsWith('file:')) return await readFile(filePath(url), { ...(signal && { signal }) })
    const timeout = AbortSignal.timeout(fetchTimeoutMs)
    const answer = await fetch(url, { signal: signal ? AbortSignal.any([signal, timeout]) : timeout })
    if (!answer.ok) throw new Error(`status ${answer.status}`)
    return Buffer.from(await answer.arrayBuffer())
  } catch (cause) {
    signal?.throwIfAborted()
    throw unreadableImage(url, cause)
  }
}

/** Paths of a dataset are written into the URL as they are, with blanks and all. */
function filePath(url: string): string {
  const path = url.slice('file://'.length)
  return /%[0-9A-Fa-f]{2}/.test(path) ? fileURLToPath(url) : path
}

function unreadableImage(url: string, cause: unknown): QvlError {
  return new QvlError('INPUT_UNREADABLE', {
    what: `The image ${quoteName(url)} of the dataset cannot be read.`,
    why: 'The file is missing, or its server does not give it.',
    do: 'Correct the row, or leave out --custom-ensure-client-side-data.',
    cause,
  })
}

function notAnImage(url: string, cause: unknown): QvlError {
  return new QvlError('MEDIA_UNSUPPORTED', {
    what: `${quoteName(url)} of the dataset is not an image that can be sent.`,
    why: 'Its bytes are in no known image format.',
    do: 'Correct the row, or leave out --custom-ensure-client-side-data.',
    cause,
  })
}
