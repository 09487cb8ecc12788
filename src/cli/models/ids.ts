// The models that a command line names.

import { QvlError } from '../../errors.js'
import type { Context } from '../context.js'

/** At least one. Throws USAGE. */
export function requireIds({ command, operands }: Context): readonly string[] {
  if (operands.length > 0) return operands
  throw new QvlError('USAGE', {
    what: 'No model was named.',
    why: `qvl ${command} needs to know which.`,
    do: `Write, for example: qvl ${command} Qwen/Qwen3-VL-Reranker-2B`,
  })
}
