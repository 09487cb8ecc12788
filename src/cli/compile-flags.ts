// Flags of `qvl compile` alone, as part of the table in flags.ts.

import type { CommandName, Flag } from './flag.js'

const compiling: readonly CommandName[] = ['compile']

export const compileFlags = [
  {
    name: 'soc-version',
    type: 'string',
    value: 'SOC',
    group: 'Target',
    help: 'the chip, such as Ascend910B4; `qvl doctor` shows it on the machine with the NPU',
    commands: compiling,
  },
  {
    name: 'host-cpu',
    type: 'choice',
    choices: ['auto', 'x86_64', 'aarch64'],
    default: 'auto',
    value: 'CPU',
    group: 'Target',
    help: "processor of the machine with the NPU; auto is this machine's",
    commands: compiling,
  },
  {
    name: 'npu-gears',
    type: 'string',
    value: 'GEARS',
    group: 'Target',
    help: 'shapes to compile for, as sequences x tokens: 8x128,8x512,1x4096',
    commands: compiling,
  },
  {
    name: 'npu-vision-gears',
    type: 'string',
    value: 'GEARS',
    group: 'Target',
    help: 'the same for images, as frames x patches: 8x256,1x4096',
    commands: compiling,
  },
  {
    name: 'atc',
    type: 'string',
    value: 'FILE',
    group: 'Target',
    help: 'the compiler of the Ascend toolkit (default: QVL_ATC, PATH, then the toolkit of set_env.sh)',
    commands: compiling,
  },
  {
    name: 'json',
    type: 'bool',
    group: 'Input and output',
    help: 'what was made as JSON',
    commands: compiling,
    argvOnly: true,
  },
] as const satisfies readonly Flag[]
