// The versions of programs on this machine, as they say themselves.

import { execFile } from 'node:child_process'

const timeoutMs = 5_000
const maxBytes = 64 * 1024

/** What a program prints; undefined where it is not installed, fails, or takes too long. */
export function outputOf(program: string, args: readonly string[], signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: timeoutMs, maxBuffer: maxBytes, signal, killSignal: 'SIGKILL' as const }
    execFile(program, args, options, (error, stdout) => resolve(error === null ? stdout : undefined)).on(
      'error',
      () => {},
    )
  })
}

/** The first line of `program --version`, or of another flag. */
export async function versionOf(program: string, signal: AbortSignal, flag = '--version'): Promise<string | undefined> {
  return (await outputOf(program, [flag], signal))?.split('\n', 1)[0]?.trim()
}
