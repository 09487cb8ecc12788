// Completion for bash, also for the old one of macOS and without the package bash-completion.

import { beginnings, type CompletedCommand, firstWords, type Offer, secondWords, twoWordCommands } from './words.js'

export const bashScript = (
  commands: readonly CompletedCommand[],
): string => `# Completion of qvl for bash, printed by: qvl completion bash
_qvl_words() {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}
_qvl_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen -f -- "$cur"))
}
_qvl_models() { _qvl_words "$(qvl completion models 2>/dev/null)"; }
_qvl() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]}
  # bash takes --flag=value for three words.
  if [[ $cur == = ]]; then cur=
  elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _qvl_words $'${[...firstWords(commands), '--help', '--version'].join('\\n')}'
    return
  fi
  ((COMP_CWORD > 2)) && case "$command \${COMP_WORDS[2]}" in
    ${twoWordCommands(commands).map(quoted).join('|')}) command="$command \${COMP_WORDS[2]}" ;;
  esac
  case $command in
${commands.map(commandCase).join('\n')}
${beginnings(commands)
  .map((first) => `    ${quoted(first)}) _qvl_words $'${secondWords(commands, first).join('\\n')}' ;;`)
  .join('\n')}
    help) _qvl_words $'${firstWords(commands).join('\\n')}' ;;
  esac
}
complete -F _qvl qvl
`

const quoted = (text: string): string => `'${text}'`

function commandCase({ words, flags, operand }: CompletedCommand): string {
  const byOffer = new Map<string, string[]>()
  for (const { names, value } of flags) {
    if (value === undefined) continue
    const action = actionOf(value)
    byOffer.set(action, [...(byOffer.get(action) ?? []), ...names])
  }
  const values = [...byOffer].map(([action, names]) => `        ${names.join('|')}) ${action}; return ;;`)
  const names = flags.flatMap((flag) => flag.names).filter((name) => name.startsWith('--'))
  return `    ${quoted(words.join(' '))})
      case $prev in
${values.join('\n')}
      esac
      if [[ $cur == -* ]]; then _qvl_words $'${names.join('\\n')}'
      else ${actionOf(operand)}; fi ;;`
}

function actionOf(offer: Offer): string {
  switch (offer.kind) {
    case 'words':
      return `_qvl_words $'${offer.words.join('\\n')}'`
    case 'files':
      return '_qvl_files'
    case 'models':
      return '_qvl_models'
    case 'text':
      return ':'
    default:
      return offer satisfies never
  }
}
