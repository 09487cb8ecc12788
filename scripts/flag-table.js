// Writes docs/flags.md from the flag table of the built program: node scripts/flag-table.js

import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { commandNames, flagGroups, impliedDefault, isFor } from '../dist/cli/flag.js'
import { flags } from '../dist/cli/flags.js'
import { defaultText, shownName, valueName } from '../dist/cli/help-page.js'

const file = fileURLToPath(new URL('../docs/flags.md', import.meta.url))

const opening = `# Flags

All flags of all commands. This page is written by \`scripts/flag-table.js\` from the table that the program itself reads,
so change that table and not this page.

Each flag can also be set by a variable (\`--max-model-len\` is \`QVL_MAX_MODEL_LEN\`) and by a key of the config file
(\`max-model-len\`); the command line counts before the environment, and that before the file. \`qvl config\` shows what holds
and where it comes from. \`qvl <command> --help\` shows the flags of one command, \`qvl serve --help=media\` one group of them.
`

/** The whole page. */
export function flagPage() {
  const parts = [opening]
  for (const group of flagGroups) {
    const own = flags.filter((flag) => flag.group === group && !isIdle(flag))
    if (own.length > 0)
      parts.push(`## ${group}\n`, table(['flag', 'default', 'commands', 'what it does'], own.map(row)))
  }
  const idle = flags.filter(isIdle)
  parts.push(
    '## Accepted from vLLM command lines\n',
    'These do nothing in the commands named, which say so and go on.\n',
    table(['flag', 'commands', 'why'], idle.map(idleRow)),
  )
  return `${parts.join('\n')}`
}

/** Some flags do nothing in some commands only, and are listed with their group. */
const isIdle = (flag) => flag.noEffect !== undefined && flag.effectIn === undefined

function row(flag) {
  const short = flag.short === undefined ? '' : ` (\`-${flag.short}\`)`
  const value = valueName(flag)
  const name = `\`${shownName(flag)}${value === undefined ? '' : ` ${value}`}\`${short}`
  return [name, defaultText(flag) ?? impliedDefault(flag) ?? '', commandsOf(flag), whatOf(flag)]
}

function whatOf({ help, alsoFrom, argvOnly, effectIn }) {
  const also = alsoFrom === undefined || help.includes(alsoFrom) ? '' : `; also \`${alsoFrom}\``
  const only = effectIn === undefined ? '' : `; only in ${effectIn.join(', ')}`
  return `${help}${also}${only}${argvOnly ? '; on the command line only' : ''}`
}

const idleRow = (flag) => [`\`${shownName(flag)}\``, commandsOf(flag), flag.noEffect]

function commandsOf(flag) {
  const names = commandNames.filter((command) => isFor(flag, command))
  return names.length === commandNames.length ? 'all' : names.join(', ')
}

function table(header, rows) {
  const line = (cells) => `| ${cells.map(escaped).join(' | ')} |`
  return [line(header), `|${'---|'.repeat(header.length)}`, ...rows.map(line), ''].join('\n')
}

/** Outside code, an angle bracket would begin a tag. */
const escaped = (text) => (text.startsWith('`') ? text : text.replaceAll('<', '&lt;')).replaceAll('|', '\\|')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(file, flagPage())
  process.stdout.write(`${file}\n`)
}
