#!/usr/bin/env node
// Stands in for atc, the compiler of CANN: takes its arguments, refuses what it refuses, and writes a model for the software
// AscendCL. The ONNX file and its weights are kept in a folder of their own, because a real .om holds both.
//   SOFTWARE_ATC_STORE    that folder; beside the output when it is not set
//   SOFTWARE_ATC_SUFFIX   what is added to the name of the output, such as _linux_x86_64
//   SOFTWARE_ATC_LOG      a file that every call is appended to, as a line of JSON

import { appendFileSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize, resolve } from 'node:path'
import { readArguments } from './atc/arguments.js'
import { checkModel, readModel } from './atc/onnx.js'
import { refuse } from './atc/refuse.js'

if (process.env.SOFTWARE_ATC_LOG) {
  appendFileSync(process.env.SOFTWARE_ATC_LOG, `${JSON.stringify(process.argv.slice(2))}\n`)
}
await main(process.argv.slice(2))

async function main(/** @type {string[]} */ argv) {
  if (argv.length === 1 && argv[0] === '--version') {
    console.log('ATC software-1')
    return
  }
  const options = readArguments(argv)
  const model = readModel(readFileSync(options.model))
  checkModel(model)
  const onnx = keep(options, model)
  // It loads ONNX Runtime, which takes longer than refusing.
  const { measure } = await import('./atc/shapes.js')
  const { inputs, outputs, shapes } = await measure(onnx, model, options)
  writeOm({ options, onnx, inputs, outputs, shapes })
  console.log('ATC run success')
}

/** The model and the files it names, where nobody moves them. */
function keep(options, model) {
  const store = process.env.SOFTWARE_ATC_STORE ?? dirname(resolve(options.output))
  mkdirSync(store, { recursive: true })
  const folder = mkdtempSync(join(store, 'onnx-'))
  const onnx = join(folder, 'model.onnx')
  copyFileSync(options.model, onnx)
  for (const location of new Set(model.locations)) {
    if (isAbsolute(location) || normalize(location).startsWith('..'))
      refuse(`weights outside of the folder: ${location}`)
    mkdirSync(dirname(join(folder, location)), { recursive: true })
    place(join(dirname(resolve(options.model)), location), join(folder, location))
  }
  return onnx
}

/** Weights are large: a second name for the same file where the disk allows it. */
function place(/** @type {string} */ from, /** @type {string} */ to) {
  try {
    linkSync(from, to)
  } catch (error) {
    if (error.code === 'ENOENT') refuse(`the weights ${from} are not there`)
    copyFileSync(from, to)
  }
}

function writeOm({ options, onnx, inputs, outputs, shapes }) {
  const file = `${options.output}${process.env.SOFTWARE_ATC_SUFFIX ?? ''}.om`
  const isBeside = options.externalWeight !== '0'
  const tensor = ({ name, type, dims }) => [name, type, dims.length, ...dims].join(' ')
  const word = options.gears.length > 0 ? 'gear' : 'shape'
  const lines = [
    'software-om 1',
    `onnx ${onnx}`,
    `soc ${options.soc}`,
    ...(isBeside ? ['weights beside'] : []),
    ...inputs.map((input) => `input ${tensor(input)}`),
    ...outputs.map((output) => `output ${tensor(output)}`),
    ...shapes.map((dims) => `${word} ${dims.join(' ')}`),
  ]
  mkdirSync(dirname(resolve(file)), { recursive: true })
  if (isBeside) {
    const folder = join(dirname(resolve(file)), 'weight')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'weights'), '')
  }
  writeFileSync(file, `${lines.join('\n')}\n`)
}
