// What `qvl`, `qvl --version` and `qvl <command> --help` print.

import { readFileSync } from 'node:fs'
import { QvlError } from '../errors.js'
import { flagsOf } from './command-options.js'
import { type CommandName, type Flag, flagGroups } from './flag.js'
import { flagHelp, groupHelp, groupsOf, helpPage } from './help-page.js'
import { commandTexts } from './help-texts.js'
import { nearest } from './nearest.js'

/** `qvl` alone: short, with the examples first. */
export const overview = `qvl score --query "capital of China?" --document "It is Beijing."
qvl serve Qwen/Qwen3-VL-Reranker-2B

Runs embedding and reranking models from their files: Qwen3-VL, Qwen3, BERT,
XLM-RoBERTa.

  score, embed            relevance of documents to a query; vectors of inputs
  serve                   an HTTP server with the API of vLLM
  top                     what a running server does, live
  bench serve|throughput  how fast a server, or a model on this machine, is
  models                  list, pull, remove and verify what is in the cache
  compile, doctor         make models for an NPU; check this machine
  config, completion      settings and where they come from; shell completion

qvl <command> --help tells more, --version the version.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 unfit model, 4 some lines failed,
5 server overloaded, 130 Ctrl-C, 143 SIGTERM.
`

export const helpOf = (command: CommandName): string => helpPage(command, commandTexts[command])

/**
 * `--help=media` is one group and `--help=max-model-len` one flag, as vLLM has them; `--help=all` is the page.
 * Throws USAGE.
 */
export function helpAbout(command: CommandName, topic: string): string {
  if (topic === 'all' || topic === 'page') return helpOf(command)
  const known = flagsOf(command)
  const word = topic.replace(/^--?/, '').replaceAll('_', '-').toLowerCase()
  const group = flagGroups.find((one) => one.toLowerCase().replaceAll(' ', '-') === word.replaceAll(' ', '-'))
  if (group !== undefined && groupsOf(command).includes(group)) return groupHelp(command, group)
  const flag = known.find((one) => one.name === word || (one.type === 'bool' && `no-${one.name}` === word))
  if (flag !== undefined) return flagHelp(flag)
  throw noTopic(command, topic, known)
}

export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version }: { version: string } = JSON.parse(text)
  return version
}

function noTopic(command: CommandName, topic: string, known: readonly Flag[]): QvlError {
  const near = nearest(
    topic.replace(/^--/, ''),
    known.map(({ name }) => name),
  )
  return new QvlError('USAGE', {
    what: `qvl ${command} has no flag and no group of flags ${JSON.stringify(topic)}.`,
    why: `The groups are: ${groupsOf(command).join(', ')}.`,
    do: near === undefined ? `See qvl ${command} --help.` : `Did you mean --help=${near}?`,
    param: '--help',
  })
}
