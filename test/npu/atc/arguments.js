// The flags of atc.

import { refuse } from './refuse.js'

const known = new Set([
  'model',
  'framework',
  'output',
  'soc_version',
  'input_format',
  'input_shape',
  'dynamic_dims',
  'dynamic_batch_size',
  'precision_mode',
  'precision_mode_v2',
  'external_weight',
  'log',
  'op_precision_mode',
  'keep_dtype',
  'output_type',
  'host_env_os',
  'host_env_cpu',
  'deterministic',
])
const required = ['model', 'framework', 'output', 'soc_version']
const precisionModes = new Set([
  'fp16',
  'origin',
  'cube_fp16in_fp32out',
  'mixed_float16',
  'mixed_bfloat16',
  'mixed_hif8',
  'cube_hif8',
])
const socVersions = /^Ascend(310P\d|910B\d(-1|C)?|910_93\d\d|310B\d)$/

/** How many gears a model may have. */
const gearLimits = { min: 2, max: 100 }

/** Throws nothing: what is wrong ends the process. */
export function readArguments(/** @type {string[]} */ argv) {
  const flags = new Map(argv.map(readFlag))
  for (const name of required) if (!flags.has(name)) refuse(`--${name} is required`)
  if (flags.get('framework') !== '5') refuse('only --framework=5 (ONNX) is supported')
  if (!socVersions.test(flags.get('soc_version'))) refuse(`--soc_version=${flags.get('soc_version')} is not known`)
  checkPrecision(flags)
  checkChoice(flags, 'external_weight', ['0', '1', '2'])
  checkChoice(flags, 'log', ['null', 'debug', 'info', 'warning', 'error'])
  const inputShapes = readShapes(flags.get('input_shape'))
  const gears = readGears(flags, inputShapes)
  return {
    model: flags.get('model'),
    output: flags.get('output'),
    soc: flags.get('soc_version'),
    externalWeight: flags.get('external_weight') ?? '0',
    inputShapes,
    gears,
  }
}

function readFlag(/** @type {string} */ argument) {
  const [, name, value] = /^--([a-z0-9_]+)=(.*)$/s.exec(argument) ?? []
  if (name === undefined || !known.has(name)) refuse(`unknown argument ${argument}`)
  return [name, value]
}

function checkChoice(flags, /** @type {string} */ name, /** @type {string[]} */ choices) {
  if (flags.has(name) && !choices.includes(flags.get(name))) refuse(`--${name} is one of ${choices.join(', ')}`)
}

/** The default would force float16 on everything, so this stand-in wants the mode to be said. */
function checkPrecision(flags) {
  const mode = flags.get('precision_mode_v2')
  if (flags.has('precision_mode')) refuse('--precision_mode and --precision_mode_v2 exclude each other')
  if (mode === undefined) refuse('--precision_mode_v2 is not given')
  if (!precisionModes.has(mode)) refuse(`--precision_mode_v2=${mode} is not known`)
  if (mode === 'mixed_bfloat16' && flags.get('soc_version').startsWith('Ascend310P')) {
    refuse(`${flags.get('soc_version')} has no bfloat16`)
  }
}

/** `ids:-1,-1;rows:-1`, by name. */
function readShapes(/** @type {string | undefined} */ text) {
  const shapes = new Map()
  for (const part of (text ?? '').split(';').filter(Boolean)) {
    const [, name, dims] = /^(.+):([-\d,]*)$/.exec(part) ?? []
    if (name === undefined || shapes.has(name)) refuse(`--input_shape: cannot read ${part}`)
    shapes.set(name, dims === '' ? [] : dims.split(',').map(Number))
  }
  for (const dims of shapes.values()) {
    if (dims.some((dim) => !Number.isInteger(dim) || dim < -1 || dim === 0))
      refuse('--input_shape: a dimension is not allowed')
  }
  return shapes
}

/** Each lists what stands for the -1 of --input_shape, in its order. */
function readGears(flags, shapes) {
  const numOpen = [...shapes.values()].flat().filter((dim) => dim === -1).length
  const text = flags.get('dynamic_dims')
  if (text === undefined) {
    if (numOpen > 0) refuse('--input_shape has -1, and there is no --dynamic_dims')
    return []
  }
  if (flags.get('input_format') !== 'ND') refuse('--dynamic_dims needs --input_format=ND')
  const gears = text.split(';').filter(Boolean)
  if (gears.length < gearLimits.min || gears.length > gearLimits.max) {
    refuse(`--dynamic_dims has ${gears.length} gears; ${gearLimits.min} to ${gearLimits.max} are allowed`)
  }
  if (new Set(gears).size < gears.length) refuse('--dynamic_dims has the same gear twice')
  return gears.map((gear) => {
    const dims = gear.split(',').map(Number)
    if (dims.length !== numOpen) refuse(`--dynamic_dims: ${gear} does not have ${numOpen} numbers`)
    if (dims.some((dim) => !Number.isInteger(dim) || dim < 1)) refuse(`--dynamic_dims: ${gear} is not allowed`)
    return dims
  })
}
