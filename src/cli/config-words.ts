// The command line of `qvl config`: its own flags, and behind `--` those of the command it is asked about.

import { leadingCommand } from './flag.js'

const ownFlags = new Set(['--json', '-h', '--help', '--version'])
/** How to speak to the person: of the command asked about, and of this one. */
const sharedFlags = new Set(['--no-color', '--debug', '-q', '--quiet', '-v', '--verbose'])

/** `config embed --dtype float32 --json` becomes `--for=embed --json -- --dtype float32`. */
export function configWords(words: readonly string[]): string[] {
  const own: string[] = []
  const rest: string[] = []
  const leading = leadingCommand(words)
  const left = words.slice(leading?.split(' ').length ?? 0)
  if (leading !== undefined) own.push(`--for=${leading}`)
  for (let at = 0; at < left.length; at++) {
    const word = left[at]!
    if (sharedFlags.has(word)) own.push(word)
    if (ownFlags.has(word) || word.startsWith('--for=')) own.push(word)
    else if (word === '--for') {
      own.push(word)
      if (left[at + 1] !== undefined) own.push(left[++at]!)
    } else rest.push(word)
  }
  return [...own, '--', ...rest]
}
