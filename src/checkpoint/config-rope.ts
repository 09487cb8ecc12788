// Rotary positions in config.json, in the layouts of transformers 4 and 5.

import { ropeThetaRange } from './config-limits.js'
import type { Fields } from './fields.js'

/**
 * transformers 4 writes `rope_theta` beside the sizes, transformers 5 inside `rope_parameters`. There is no default: the
 * library's own has changed between versions, and is wrong for these weights.
 */
export function parseRopeTheta(fields: Fields): number {
  const parameters = fields.optionalObject('rope_parameters')
  checkRopeType(parameters)
  checkRopeType(fields.optionalObject('rope_scaling'))
  if (parameters === undefined) return fields.number('rope_theta', ropeThetaRange)
  const outer = fields.optionalNumber('rope_theta', ropeThetaRange)
  const inner = parameters.optionalNumber('rope_theta', ropeThetaRange)
  if (outer !== undefined && inner !== undefined && outer !== inner) {
    throw fields.invalid('rope_theta', `the same as rope_parameters.rope_theta, ${inner}`)
  }
  return outer ?? parameters.number('rope_theta', ropeThetaRange)
}

/** The axes' shares of the frequency slots, checked against the interleaved layout. */
export function parseMropeSection(fields: Fields, headDim: number): readonly [number, number, number] {
  const parameters = fields.optionalObject('rope_parameters') ?? fields.object('rope_scaling')
  if (parameters.optionalBoolean('mrope_interleaved') === false)
    throw parameters.unsupported('mrope_interleaved', 'true')
  const slots = headDim / 2
  const [time, height, width, ...rest] = parameters.ints('mrope_section', { min: 0, max: slots })
  if (time === undefined || height === undefined || width === undefined || rest.length > 0) {
    throw parameters.invalid('mrope_section', 'three numbers')
  }
  if (time + height + width !== slots) throw parameters.invalid('mrope_section', `three numbers that sum to ${slots}`)
  // Height owns slots 1, 4, 7, … and width 2, 5, 8, …: the last of each has to exist.
  if (3 * height - 2 >= slots || 3 * width - 1 >= slots) {
    throw parameters.invalid('mrope_section', `short enough for every third of ${slots} slots`)
  }
  return [time, height, width]
}

function checkRopeType(parameters: Fields | undefined): void {
  if (parameters === undefined) return
  const key = parameters.has('rope_type') ? 'rope_type' : 'type'
  const type = parameters.optionalString(key)
  if (type !== undefined && type !== 'default') throw parameters.unsupported(key, 'default')
  const rotated = parameters.optionalNumber('partial_rotary_factor', { min: 0, max: 1 })
  if (rotated !== undefined && rotated !== 1) throw parameters.unsupported('partial_rotary_factor', '1')
}
