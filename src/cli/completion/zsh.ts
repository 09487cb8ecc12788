// Completion for zsh: read by eval in .zshrc, or as the file _qvl in a folder of fpath.

import {
  beginnings,
  type CompletedCommand,
  type CompletedFlag,
  firstWords,
  type Offer,
  secondWords,
  twoWordCommands,
} from './words.js'

export const zshScript = (commands: readonly CompletedCommand[]): string => `#compdef qvl
# Completion of qvl for zsh, printed by: qvl completion zsh
_qvl_models() { compadd -- \${(f)"$(qvl completion models 2>/dev/null)"} }
_qvl() {
  local command=$words[2] previous=$words[CURRENT-1]
  local -a flags
  if [[ $PREFIX == --*=* ]]; then
    previous=\${PREFIX%%=*}
    compset -P '*='
  fi
  if ((CURRENT == 2)); then
    compadd -- ${firstWords(commands).join(' ')} --help --version
    return
  fi
  if ((CURRENT > 3)) && [[ "$command $words[3]" == (${twoWordCommands(commands).map(quoted).join('|')}) ]]; then command="$command $words[3]"; fi
  case $command in
${commands.map((command) => commandCase(command, secondWords(commands, command.words.join(' ')))).join('\n')}
${beginnings(commands)
  .map((first) => `    (${first}) compadd -- ${secondWords(commands, first).join(' ')} ;;`)
  .join('\n')}
    (help) compadd -- ${firstWords(commands).join(' ')} ;;
  esac
}
if [[ $funcstack[1] == _qvl ]]; then
  _qvl "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _qvl qvl
fi
`

function commandCase({ words, flags, operand }: CompletedCommand, seconds: readonly string[]): string {
  const values = flags.flatMap(({ names, value }) =>
    value === undefined ? [] : [`        (${names.join('|')}) ${actionOf(value)}; return ;;`],
  )
  const offered = operand.kind === 'text' && seconds.length > 0 ? `compadd -- ${seconds.join(' ')}` : actionOf(operand)
  return `    (${quoted(words.join(' '))})
      case $previous in
${values.join('\n')}
      esac
      if [[ $PREFIX == -* ]]; then
        flags=(${flags.map(described).join(' ')})
        _describe -o flag flags
      else ${offered}; fi ;;`
}

/** `name:help`; a colon in the name would end it, and names have none. */
const described = ({ names, help }: CompletedFlag): string => quoted(`${names[0]}:${help}`)

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

function actionOf(offer: Offer): string {
  switch (offer.kind) {
    case 'words':
      return `compadd -- ${offer.words.map(quoted).join(' ')}`
    case 'files':
      return '_files'
    case 'models':
      return '_qvl_models'
    case 'text':
      return ':'
    default:
      return offer satisfies never
  }
}
