// Finds the compiler of the Ascend toolkit, and runs it: an argument list, no shell, its output in a file.

import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, open, readFile, realpath, rename } from 'node:fs/promises'
import path from 'node:path'
import { QvlError } from '../../errors.js'

export interface Atc {
  path: string
  /** Of the toolkit; `unknown` where it has no file that says so. */
  version: string
}

/** The one that is named, else of $QVL_ATC, on the PATH, or of the toolkit's own variables. Throws DEVICE_UNAVAILABLE. */
export async function findAtc(named: string | undefined, env: NodeJS.ProcessEnv): Promise<Atc> {
  const asked = named ?? env.QVL_ATC
  const toolkits = [env.ASCEND_HOME_PATH, env.ASCEND_TOOLKIT_HOME].flatMap((home) => (home ? [`${home}/bin`] : []))
  const folders = [...(env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== ''), ...toolkits]
  const candidates = asked === undefined ? folders.map((folder) => path.join(folder, 'atc')) : [path.resolve(asked)]
  for (const candidate of candidates) {
    if (!(await isExecutable(candidate))) continue
    return { path: candidate, version: await toolkitVersion(candidate) }
  }
  throw new QvlError('DEVICE_UNAVAILABLE', {
    what: asked === undefined ? 'atc is not on this machine.' : `${asked} is not a program that can be run.`,
    why: 'atc, of the Ascend toolkit (CANN), compiles models for an NPU.',
    do: 'Run `source set_env.sh` of the toolkit first, or name the program with --atc or QVL_ATC. No NPU is needed.',
    param: '--atc',
  })
}

const isExecutable = (file: string): Promise<boolean> =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  )

/** From the files that the toolkit keeps above its programs. */
async function toolkitVersion(atc: string): Promise<string> {
  let folder = path.dirname(await realpath(atc))
  for (let level = 0; level < 4; level++) {
    for (const name of ['version.cfg', 'version.info', 'ascend_toolkit_install.info']) {
      const text = await readFile(path.join(folder, name), 'utf8').catch(() => '')
      const version = /version[\w ]*=\s*\[?([^\s\]:]+:)?(?<version>[\w.]+)/i.exec(text)?.groups?.version
      if (version !== undefined) return version
    }
    folder = path.dirname(folder)
  }
  return 'unknown'
}

export interface AtcRun {
  atc: Atc
  args: readonly string[]
  /** Where it works: it leaves files of its own there. */
  folder: string
  log: string
  /** Where the log goes when the compiler fails. */
  failedLog: string
  signal?: AbortSignal | undefined
}

/** Between asking the compiler to end and ending it. */
const killMs = 5_000

/**
 * Throws DEVICE_FAILED with the last lines of the log, OUTPUT_UNWRITABLE where the disk was full, and the signal's reason
 * once it is aborted; its processes have ended by then.
 */
export async function runAtc(run: AtcRun): Promise<void> {
  const { atc, log, failedLog, signal } = run
  signal?.throwIfAborted()
  const ended = await compilerEnd(run)
  signal?.throwIfAborted()
  if (ended.code === 0) return
  await rename(log, failedLog)
  throw await atcFailed(atc, failedLog, ended)
}

interface End {
  code: number | null
  signal: NodeJS.Signals | null
  cause?: unknown
}

async function compilerEnd({ atc, args, folder, log, signal }: AtcRun): Promise<End> {
  await using file = await open(log, 'w', 0o600)
  signal?.throwIfAborted()
  // It starts processes of its own; as a group they end together.
  const child = spawn(atc.path, args, { cwd: folder, detached: true, stdio: ['ignore', file.fd, file.fd] })
  const kill = (by: NodeJS.Signals): void => killGroup(child.pid, by)
  let force: NodeJS.Timeout | undefined
  const onAbort = (): void => {
    kill('SIGTERM')
    force = setTimeout(() => kill('SIGKILL'), killMs)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  const end = await new Promise<End>((resolve) => {
    child.once('error', (cause) => resolve({ code: null, signal: null, cause }))
    child.once('exit', (code, by) => resolve({ code, signal: by }))
  })
  clearTimeout(force)
  signal?.removeEventListener('abort', onAbort)
  // What the compiler started does not outlive it.
  if (signal?.aborted) kill('SIGKILL')
  return end
}

function killGroup(pid: number | undefined, by: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, by)
  } catch (error) {
    // It has ended.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Enough to see what is wrong. */
const maxLines = 5

async function atcFailed({ path: program }: Atc, log: string, { code, signal, cause }: End): Promise<QvlError> {
  const text = await readFile(log, 'utf8').catch(() => '')
  const isFull = /No space left on device|ENOSPC/i.test(text)
  const how = cause === undefined ? `It ended with ${signal ?? `code ${code}`}` : 'It could not be started'
  const lines = usefulLines(text)
  return new QvlError(isFull ? 'OUTPUT_UNWRITABLE' : 'DEVICE_FAILED', {
    what: isFull ? 'The disk was full while a model was compiled.' : 'atc could not compile the model.',
    why: `${how}${lines.length === 0 ? '.' : `, and its last lines are:\n${lines.join('\n')}`}`,
    do: `All that ${program} said is in ${log}.`,
    cause,
  })
}

/** The errors, where it says which these are, else the last lines. */
function usefulLines(text: string): string[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const errors = lines.filter((line) => /error|fail|\bE\d{5}\b/i.test(line))
  return (errors.length > 0 ? errors : lines).slice(-maxLines)
}
