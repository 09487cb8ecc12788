// Where the lines come from: the flags themselves, a file, or standard input.

import { access, constants, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { QvlError } from '../errors.js'
import { errorCode, unreadable } from '../offline/file-errors.js'
import type { Context } from './context.js'
import type { CommandName } from './flag.js'
import type { Settings } from './settings.js'

export interface LinesInput {
  kind: 'flags' | 'file' | 'stdin'
  source: Readable | string
  /** The folder that paths of images begin at: that of the file, or else the one that qvl was started in. */
  folder: string
}

/**
 * Checked before a model is loaded, so that a wrong path costs no time. Undefined when nothing was given and standard
 * input is a terminal, where waiting would look like hanging. Throws USAGE and INPUT_UNREADABLE.
 */
export async function chooseInput(
  { command, settings, operands, stdin, terminal }: Context,
  lines: readonly unknown[],
): Promise<LinesInput | undefined> {
  checkOperands(operands, lines)
  checkTogether(settings)
  const [file = '-'] = operands
  if (lines.length > 0) {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    return { kind: 'flags', source: Readable.from([Buffer.from(text)]), folder: resolve() }
  }
  if (file === '-') return terminal.stdin.isTty ? undefined : { kind: 'stdin', source: stdin, folder: resolve() }
  await checkReadable(file, command)
  return { kind: 'file', source: file, folder: dirname(resolve(file)) }
}

function checkOperands(operands: readonly string[], lines: readonly unknown[]): void {
  if (operands.length > 1) {
    throw new QvlError('USAGE', {
      what: `There are ${operands.length} input files: ${operands.join(', ')}.`,
      why: 'One run reads one file.',
      do: 'Join them with cat FILES | qvl ..., or run once for each; quote texts that have spaces.',
      param: operands[1]!,
    })
  }
  if (operands.length === 1 && lines.length > 0) {
    throw new QvlError('USAGE', {
      what: `Both texts and the input file ${operands[0]} are given.`,
      why: 'A run reads one of them.',
      do: 'Leave one out.',
      param: operands[0]!,
    })
  }
  if (operands[0] === '') {
    throw new QvlError('USAGE', {
      what: 'The name of the input file is empty.',
      why: 'A variable of the shell that is not set looks like this.',
      do: 'Name a file, or - for standard input.',
    })
  }
}

function checkTogether({ output, format, resume, explain }: Settings): void {
  const toFile = isFile(output)
  if (explain && (toFile || resume || format === 'npy')) {
    throw together(
      '--explain does not go with -o, --resume or --format npy.',
      'Explanations go to stdout.',
      '--explain',
    )
  }
  if (resume && !toFile) {
    throw together('--resume needs -o FILE.', 'What was written to a pipe cannot be found again.', '--resume')
  }
  if (format === 'npy' && !toFile) {
    throw together(
      '--format npy needs -o FILE.',
      'The array begins with its size, which is known at the end.',
      '--format',
    )
  }
}

export const isFile = (output: string | undefined): output is string => output !== undefined && output !== '-'

const together = (what: string, why: string, param: string): QvlError =>
  new QvlError('USAGE', { what, why, do: 'Change one of the flags.', param })

async function checkReadable(file: string, command: CommandName): Promise<void> {
  try {
    await access(file, constants.R_OK)
    if (!(await stat(file)).isDirectory()) return
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw unreadable(file, error)
    const flags = command === 'score' ? '--query and --document' : '--text'
    throw unreadable(file, error, `Check the path; texts that are no file go after ${flags}.`)
  }
  throw new QvlError('INPUT_UNREADABLE', {
    what: `${file} cannot be read.`,
    why: 'It is a folder.',
    do: 'Name a file of lines; a model goes after --model.',
  })
}
