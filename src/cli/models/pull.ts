// `qvl models pull`: fetches models into the cache, so that they start without a network.

import { stat } from 'node:fs/promises'
import { type Located, locateCheckpoint } from '../../checkpoint/locate.js'
import { exitCode, QvlError } from '../../errors.js'
import type { Context } from '../context.js'
import { writeTo } from '../write-to.js'
import { requireIds } from './ids.js'

/** Returns the exit code. Throws USAGE and what fetching throws, at the first model that fails. */
export async function modelsPull(context: Context): Promise<number> {
  const { settings, stdout, progress, messages, interrupt, signal } = context
  const ids = requireIds(context)
  interrupt.explain = 'stopping; what has arrived is kept, and the next pull goes on from there'
  for (const id of ids) {
    await refuseFolder(id)
    messages.detail(`Fetching ${id}.`)
    const located = await locateCheckpoint(id, {
      revision: settings.revision,
      downloadDir: settings['download-dir'],
      signal,
      onDownload: (event) => progress.download(event),
      warn: (message) => messages.warn(message),
    })
    progress.clear()
    await writeTo(stdout, settings.json ? `${JSON.stringify(pulledJson(located))}\n` : pulledText(located))
  }
  return exitCode.ok
}

/** A folder of this name would be used in place of the model on the hub. */
async function refuseFolder(id: string): Promise<void> {
  const isFolder = await stat(id).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
  if (!isFolder) return
  throw new QvlError('USAGE', {
    what: `${id} is a folder here.`,
    why: 'Commands that name it use the folder, and there is nothing to fetch.',
    do: 'To fetch a model of this name, run from another folder.',
    param: 'model',
  })
}

const pulledText = ({ id, dir, source }: Located): string =>
  `${id} ${source === 'cache' ? 'was there already' : 'is fetched'}: ${dir}\n`

const pulledJson = ({ id, dir, source, revision }: Located) => ({
  id,
  dir,
  revision: revision ?? null,
  fetched: source !== 'cache',
})
