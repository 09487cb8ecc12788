// Completion for fish, which takes one line for each flag.

import { type CompletedCommand, type CompletedFlag, firstWords, type Offer, secondWords } from './words.js'

export const fishScript = (
  commands: readonly CompletedCommand[],
): string => `# Completion of qvl for fish, printed by: qvl completion fish
function __qvl_is
  set -l words (commandline -opc) ''
  test "$words[2]" = "$argv[1]"; or return 1
  if set -q argv[2]
    test "$words[3]" = "$argv[2]"
  else if contains -- $argv[1] ${severalWords(commands).join(' ')}
    not contains -- "$words[3]" ${commands.flatMap(({ words }) => words[1] ?? []).join(' ')}
  end
end
complete -c qvl -f
complete -c qvl -n __fish_use_subcommand -a '${firstWords(commands).join(' ')}'
complete -c qvl -n __fish_use_subcommand -l help -d 'all commands'
complete -c qvl -n __fish_use_subcommand -l version -d 'the version of qvl'
${severalWords(commands)
  .map((first) => `complete -c qvl -n '__qvl_is ${first}' -a '${secondWords(commands, first).join(' ')}'`)
  .join('\n')}
${commands.flatMap(commandLines).join('\n')}
`

/** First words with second ones behind them. */
const severalWords = (commands: readonly CompletedCommand[]): string[] =>
  firstWords(commands).filter((first) => secondWords(commands, first).length > 0)

function commandLines({ words, flags, operand }: CompletedCommand): string[] {
  const start = `complete -c qvl -n '__qvl_is ${words.join(' ')}'`
  const operands = operandOptions(operand)
  return [...(operands === '' ? [] : [`${start} ${operands}`]), ...flags.map((flag) => `${start} ${flagOptions(flag)}`)]
}

function flagOptions({ names, help, value }: CompletedFlag): string {
  const written = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
  return [...written, valueOptions(value), `-d ${quoted(help)}`].filter((part) => part !== '').join(' ')
}

function valueOptions(value: Offer | undefined): string {
  switch (value?.kind) {
    case undefined:
      return ''
    case 'words':
      return `-x -a ${quoted(value.words.join(' '))}`
    case 'files':
      return '-r -F'
    case 'models':
      return `-x -a '(qvl completion models 2>/dev/null)'`
    case 'text':
      return '-x'
    default:
      return value satisfies never
  }
}

function operandOptions(operand: Offer): string {
  if (operand.kind === 'text') return ''
  return operand.kind === 'files' ? '-F' : valueOptions(operand).replace('-x ', '')
}

const quoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
