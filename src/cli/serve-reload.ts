// SIGHUP makes a server read its file of API keys again, so that keys change without a restart.

import { asQvlError } from '../errors.js'
import type { Log } from '../server/log.js'
import type { RunningServer } from '../server/server.js'
import { apiKeysOf } from './serve-access.js'
import type { Settings } from './settings.js'

interface Reload {
  server: RunningServer
  settings: Settings
  log: Log
}

/**
 * Returns what ends it. Without a file of keys there is nothing to read, and SIGHUP ends the process as it always does.
 * A file that is no good leaves the keys as they are: a typing mistake must not open the door or lock everybody out.
 */
export function reloadOnHangup({ server, settings, log }: Reload): () => void {
  const file = settings['api-key-file']
  if (file === undefined) return () => {}
  const reload = async (): Promise<void> => {
    try {
      const keys = await apiKeysOf(settings, process.env)
      server.useKeys(keys)
      log.info(`The API keys were read again from ${file}: ${keys.length} are known now.`)
    } catch (error) {
      log.failed(asQvlError(error), { kept: 'the API keys that were known before' })
    }
  }
  const onHangup = (): void => void reload()
  process.on('SIGHUP', onHangup)
  return () => process.off('SIGHUP', onHangup)
}
