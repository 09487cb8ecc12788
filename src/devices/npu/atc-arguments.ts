// The arguments of ATC for a lowered program. Paths are relative to the folder that it works in.

import type { Gear } from './gears.js'
import type { PaddedInput } from './layout.js'
import type { PaddedProgram } from './lower-padded.js'
import { modelName } from './model-folder.js'

export interface AtcTarget {
  soc: string
  /** Of the machine that will run the model. */
  hostCpu: string
  /** Weights of more bytes go into files beside the model; 1.5 GB when absent. */
  maxInlineBytes?: number | undefined
}

/** One file of more than 2 GiB is more than some readers take. */
const defaultMaxInlineBytes = 1_500_000_000

export function atcArguments({ weights, layout }: PaddedProgram, target: AtcTarget): string[] {
  const { soc, hostCpu, maxInlineBytes = defaultMaxInlineBytes } = target
  const { inputs, gears } = layout
  return [
    '--framework=5',
    `--model=${modelName}`,
    '--output=out/model',
    `--soc_version=${soc}`,
    '--input_format=ND',
    `--input_shape=${inputs.map(({ name, dims }) => `${name}:${dims.map(openDim).join(',')}`).join(';')}`,
    `--dynamic_dims=${gears.map((gear) => openDims(inputs, gear).join(',')).join(';')}`,
    // The graph says itself what is float32 and what is smaller. Left out, everything would become float16.
    '--precision_mode_v2=origin',
    `--external_weight=${weights.bytes > maxInlineBytes ? 1 : 0}`,
    '--host_env_os=linux',
    `--host_env_cpu=${hostCpu}`,
    '--log=error',
  ]
}

const openDim = (dim: PaddedInput['dims'][number]): number => (typeof dim === 'number' ? dim : -1)

/** What stands for each -1, in the order of the inputs. */
const openDims = (inputs: readonly PaddedInput[], gear: Gear): number[] =>
  inputs.flatMap(({ dims }) => dims.flatMap((dim) => (typeof dim === 'number' ? [] : [gear[dim]])))
