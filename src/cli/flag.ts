// What a command-line flag is; the table of all flags is flags.ts.

/** A command is one word or two. */
export type CommandName =
  | LinesCommandName
  | 'serve'
  | 'top'
  | 'bench throughput'
  | 'bench serve'
  | ModelsCommandName
  | 'compile'
  | 'doctor'
  | 'config'
  | 'completion'

/** Commands that answer lines. */
export type LinesCommandName = 'score' | 'embed'

/** Commands that open a model and compute here. */
export const modelCommandNames = ['score', 'embed', 'serve', 'bench throughput'] as const

export type ModelCommandName = (typeof modelCommandNames)[number]

/** Commands about the models on this machine; `models` alone lists them. */
export const modelsCommandNames = ['models', 'models pull', 'models remove', 'models verify'] as const

export type ModelsCommandName = (typeof modelsCommandNames)[number]

/** In the order of the overview. */
export const commandNames: readonly CommandName[] = [
  'score',
  'embed',
  'serve',
  'top',
  'bench throughput',
  'bench serve',
  ...modelsCommandNames,
  'compile',
  'doctor',
  'config',
  'completion',
]

/** The command that the words begin with: `models pull` before `models`. */
export const leadingCommand = (words: readonly string[]): CommandName | undefined =>
  commandNames
    .filter((name) => name.split(' ').every((word, index) => word === words[index]))
    .toSorted((a, b) => b.length - a.length)[0]

/** Help headings, in the order they are printed. */
export const flagGroups = [
  'Input and output',
  'Cache',
  'Shown',
  'Benchmark',
  'Target',
  'Load',
  'Data',
  'Report',
  'Server',
  'Access',
  'Model',
  'Prompt',
  'Media',
  'Limits',
  'Messages',
] as const

export type FlagGroup = (typeof flagGroups)[number]

interface FlagBase {
  /** Without dashes: `max-model-len`. */
  name: string
  /** Without the dash: `m`, or vLLM's two-letter forms such as `tp`. */
  short?: string
  /** What the value is called in help. */
  value?: string
  group: FlagGroup
  help: string
  /** The commands that know the flag; all of them when absent. */
  commands?: readonly CommandName[]
  /** A variable of vLLM that is read where ours is not set. */
  alsoFrom?: string
  /** A choice that is also taken in capitals, as vLLM's variable has it. */
  anyCase?: true
  /** Belongs to one call: no environment variable and no config-file key. */
  argvOnly?: true
  /** A list that takes every word up to the next flag, as argparse's nargs="*" does. */
  many?: true
  /** vLLM's habit: an empty value or `None` means "not set". */
  orNone?: true
  /** Why a vLLM flag that is accepted does nothing here. */
  noEffect?: string
  /** Commands in which such a flag does something after all. */
  effectIn?: readonly CommandName[]
}

export type Flag = FlagBase &
  (
    | { type: 'string' | 'list' | 'json' }
    | { type: 'int' | 'human-int' | 'number'; min: number; max: number }
    | { type: 'bool'; default?: true }
    | { type: 'choice'; choices: readonly string[]; default: string }
  )

export type JsonObject = { readonly [key: string]: unknown }

export type FlagValue = string | number | boolean | readonly string[] | JsonObject

export const environmentName = (flag: Flag): string => `QVL_${flag.name.toUpperCase().replaceAll('-', '_')}`

export const hasNoEffect = (flag: Flag, command: CommandName): boolean =>
  flag.noEffect !== undefined && !flag.effectIn?.includes(command)

/** A flag without a list of commands is for all; one that does nothing only for those that vLLM's command lines become. */
export const isFor = (flag: Flag, command: CommandName): boolean =>
  flag.commands?.includes(command) ?? (flag.noEffect === undefined || vllmLikeNames.has(command))

const vllmLikeNames: ReadonlySet<CommandName> = new Set([...modelCommandNames, 'bench serve'])

/** Whether the value is a path, for shells that complete file names. */
export const takesPath = ({ value }: Flag): boolean => value !== undefined && /^(FILE|DIR|PATH)/.test(value)

/** Whether the value is a secret, never shown. */
export const isSecret = ({ name }: Flag): boolean =>
  name === 'header' || /(^|-)(api-key|token|password|secret)$/.test(name)

/** What holds where nothing is given, for flags whose help says so in words. */
export const impliedDefault = ({ help }: Flag): string | undefined =>
  /\(default:? (\{[^}]*\}|\[[^\]]*\]|[^:;,)]+)/.exec(help)?.[1]
