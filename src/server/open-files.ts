// How many connections the limit on open files leaves room for.

import { QvlError } from '../errors.js'

/** For the checkpoint, the threads' pipes, the log and what Node itself has open; measured about 40 with one shard. */
const reservedFiles = 128

/** With fewer, the server would refuse its clients one after another. */
const fewestConnections = 16

/** The connections to allow: `wanted`, or fewer. Throws FILES_EXHAUSTED when there is hardly room for any. */
export function connectionsWithin(openFiles: number | undefined, wanted: number): number {
  const room = openFiles === undefined ? wanted : openFiles - reservedFiles
  if (room >= wanted) return wanted
  if (room >= Math.min(fewestConnections, wanted)) return room
  throw new QvlError('FILES_EXHAUSTED', {
    what: `This process may have ${openFiles} files open, which is too few for a server.`,
    why: `The model and Node need up to ${reservedFiles}, and every connection needs one.`,
    do: 'Raise the limit first, for example with: ulimit -n 4096',
  })
}

/** The soft limit, which Node has raised as far as it may; undefined where there is none. */
export function openFilesLimit(): number | undefined {
  // Without it, a report looks up the names of open connections. Known since Node 20.13, and not yet to its types.
  Object.assign(process.report, { excludeNetwork: true })
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : undefined
}
