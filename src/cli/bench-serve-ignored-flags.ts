// Flags of vllm bench serve that command lines bring along and that do nothing here, as part of the table in flags.ts.

import type { CommandName, Flag } from './flag.js'

const commands: readonly CommandName[] = ['bench serve']
const writesText = 'the servers that qvl measures write no text'

export const benchServeIgnoredFlags = [
  ignored('ignore-eos', 'bool', writesText),
  ignored('use-beam-search', 'bool', writesText),
  ignored('logprobs', 'string', writesText),
  ignored('temperature', 'string', writesText),
  ignored('top-p', 'string', writesText),
  ignored('top-k', 'string', writesText),
  ignored('min-p', 'string', writesText),
  ignored('frequency-penalty', 'string', writesText),
  ignored('presence-penalty', 'string', writesText),
  ignored('repetition-penalty', 'string', writesText),
  ignored('custom-output-len', 'string', writesText),
  ignored('prefix-repetition-output-len', 'string', writesText),
  ignored('timeline-itl-thresholds', 'string', writesText),
  {
    name: 'stream',
    type: 'bool',
    default: true,
    group: 'Messages',
    help: writesText,
    noEffect: writesText,
    commands,
  },
  ignored('enable-multimodal-chat', 'bool', 'media goes where the backend takes it'),
  ignored('profile', 'bool', 'there is no profiler to start'),
] as const satisfies readonly Flag[]

function ignored<Name extends string>(name: Name, type: 'bool' | 'string', noEffect: string) {
  return { name, type, group: 'Messages' as const, help: noEffect, noEffect, commands }
}
