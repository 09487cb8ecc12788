// Works out the shapes of the outputs in every gear, by running the model once on zeros.

import ort from 'onnxruntime-node'
import { refuse } from './refuse.js'

/** As numbers of ONNX. */
const types = {
  1: { name: 'float32', array: Float32Array },
  2: { name: 'uint8', array: Uint8Array },
  3: { name: 'int8', array: Int8Array },
  6: { name: 'int32', array: Int32Array },
  7: { name: 'int64', array: BigInt64Array },
  9: { name: 'bool', array: Uint8Array },
  10: { name: 'float16', array: globalThis.Float16Array ?? Uint16Array },
}

const maxDims = 128

export async function measure(/** @type {string} */ onnx, model, { inputShapes, gears }) {
  const inputs = model.inputs.map((input) => ({ ...input, dims: declaredDims(input, inputShapes) }))
  for (const name of inputShapes.keys())
    if (!inputs.some((input) => input.name === name)) refuse(`there is no input ${name}`)
  for (const { name, type } of [...inputs, ...model.outputs])
    if (!(type in types)) refuse(`${name} has the type ${type}`)
  if (inputs.flatMap(({ dims }) => dims).length > maxDims) refuse(`the inputs have more than ${maxDims} dimensions`)
  const session = await open(onnx)
  const shapes = []
  for (const gear of gears.length > 0 ? gears : [[]]) {
    const dims = fill(inputs, inputShapes, gear)
    shapes.push([...dims.flat(), ...(await outputDims(session, model.outputs, inputs, dims)).flat()])
  }
  await session.release()
  return { inputs, outputs: model.outputs, shapes }
}

/** Those of --input_shape, which must agree with the model's own. */
function declaredDims({ name, dims }, inputShapes) {
  const declared = inputShapes.get(name) ?? dims
  if (declared.length !== dims.length) refuse(`--input_shape: ${name} has ${dims.length} dimensions`)
  dims.forEach((dim, i) => {
    if (dim !== -1 && declared[i] !== dim) refuse(`--input_shape: dimension ${i} of ${name} is ${dim}`)
  })
  if (!inputShapes.has(name) && dims.includes(-1)) refuse(`the shape of ${name} is open, and not in --input_shape`)
  return declared
}

/** The numbers of a gear stand for the -1 in the order of --input_shape. */
function fill(inputs, inputShapes, gear) {
  const rest = [...gear]
  const filled = new Map()
  for (const [name, dims] of inputShapes)
    filled.set(
      name,
      dims.map((dim) => (dim === -1 ? rest.shift() : dim)),
    )
  return inputs.map(({ name, dims }) => filled.get(name) ?? dims)
}

async function open(onnx) {
  try {
    return await ort.InferenceSession.create(onnx, { intraOpNumThreads: 1, logSeverityLevel: 3 })
  } catch (error) {
    return refuse(`the model cannot be parsed: ${error.message}`)
  }
}

async function outputDims(session, outputs, inputs, dims) {
  const feeds = {}
  inputs.forEach(({ name, type }, i) => {
    const { name: typeName, array } = types[type]
    const count = dims[i].reduce((product, dim) => product * dim, 1)
    feeds[name] = new ort.Tensor(typeName, new array(count), dims[i])
  })
  try {
    const results = await session.run(feeds)
    return outputs.map(({ name }) => results[name].dims)
  } catch (error) {
    return refuse(`the shapes of the gear ${dims.join(' ')} do not fit the model: ${error.message}`)
  }
}
