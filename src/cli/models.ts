// `qvl models`: what is in the caches on this machine.

import { hubCacheFolder, modelScopeCacheFolder, usesModelScope } from '../checkpoint/hub/settings.js'
import { exitCode, QvlError } from '../errors.js'
import type { Context } from './context.js'
import { modelsCommandNames } from './flag.js'
import { describeCache } from './models/cache.js'
import { listJson } from './models/list-json.js'
import { listTable } from './models/list-table.js'
import { nearest } from './nearest.js'
import { writeTo } from './write-to.js'

/** Returns the exit code. Throws USAGE. */
export async function models({ settings, operands, stdout, terminal }: Context): Promise<number> {
  // `qvl models list` is what other tools call it.
  const [word] = operands[0] === 'list' ? operands.slice(1) : operands
  if (word !== undefined) throw unknownWord(word)
  const options = { downloadDir: settings['download-dir'] }
  const cache = await describeCache(options)
  const folders = [hubCacheFolder(options), ...(usesModelScope(process.env) ? [modelScopeCacheFolder(options)] : [])]
  const text = settings.json
    ? `${JSON.stringify(listJson(cache))}\n`
    : listTable(cache, [...new Set(folders)], terminal.stdout.color)
  await writeTo(stdout, text)
  return exitCode.ok
}

function unknownWord(word: string): QvlError {
  const verbs = modelsCommandNames.flatMap((name) => name.split(' ')[1] ?? [])
  const near = word.includes('/') ? undefined : nearest(word, verbs)
  return new QvlError('USAGE', {
    what: `qvl models does not know the word ${JSON.stringify(word)}.`,
    why: `It lists all models; behind it may stand ${verbs.join(', ')}.`,
    do: near === undefined ? 'See qvl models --help.' : `Did you mean qvl models ${near}?`,
    param: word,
  })
}
