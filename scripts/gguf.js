// Writes a GGUF file (version 3) of a Qwen3 shape with random weights, for measuring llama.cpp.

import { closeSync, openSync, writeSync } from 'node:fs'

/** Value types of metadata, and types of tensors, as the format numbers them. */
const valueTypes = { uint32: 4, int32: 5, float32: 6, bool: 7, string: 8, array: 9 }
const tensorTypes = { F32: 0, Q8_0: 8, BF16: 30 }
const version = 3
const alignment = 32

/** Weights are about N(0, 0.02²), as those of the dummy weights of `qvl bench throughput`. */
const deviation = 0.02
/** Numbers made; the file repeats them. Prime, so that rows of a matrix are shifted against each other. */
const period = 1_000_003
/** Q8_0 stores blocks of 32 numbers: a float16 scale, then a signed byte each. */
const blockNumbers = 32
const blockPeriod = 31_267

/**
 * @typedef {{ hidden: number, intermediate: number, numLayers: number, numHeads: number, numKvHeads: number,
 *   headDim: number, vocabSize: number, maxPositions: number, ropeTheta: number, rmsEps: number }} Decoder
 * @typedef {{ name: string, type: keyof typeof tensorTypes, shape: number[] }} Tensor
 */

/**
 * @param {string} file
 * @param {Decoder} config sizes as config.ts gives them
 * @param {'BF16' | 'Q8_0'} type of the matrices; norms are float32
 */
export function writeGguf(file, config, type) {
  const tensors = qwen3Tensors(config, type)
  const handle = openSync(file, 'w')
  try {
    writeSync(handle, header(qwen3Metadata(config), tensors))
    const fill = { F32: ones(config.hidden), BF16: bfloat16Numbers(), Q8_0: blocks() }
    for (const tensor of tensors) writeRepeated(handle, fill[tensor.type], bytesOf(tensor))
  } finally {
    closeSync(handle)
  }
}

/** Keys with their values as the format encodes them, type first. */
function qwen3Metadata(/** @type {Decoder} */ config) {
  return Object.entries({
    'general.architecture': string('qwen3'),
    'qwen3.block_count': uint(config.numLayers),
    'qwen3.context_length': uint(config.maxPositions),
    'qwen3.embedding_length': uint(config.hidden),
    'qwen3.feed_forward_length': uint(config.intermediate),
    'qwen3.attention.head_count': uint(config.numHeads),
    'qwen3.attention.head_count_kv': uint(config.numKvHeads),
    'qwen3.attention.key_length': uint(config.headDim),
    'qwen3.attention.value_length': uint(config.headDim),
    'qwen3.attention.layer_norm_rms_epsilon': float(config.rmsEps),
    'qwen3.rope.freq_base': float(config.ropeTheta),
    // The vector of the last token.
    'qwen3.pooling_type': uint(3),
    ...tokenizerMetadata(config.vocabSize),
  })
}

/**
 * Token ids go in, but llama.cpp loads no model of this kind without a byte-level tokenizer: every byte is a token, as
 * the first 256, and the rest have names that no text contains.
 */
function tokenizerMetadata(/** @type {number} */ vocabSize) {
  const bytes = [...range(33, 127), ...range(161, 173), ...range(174, 256)]
  const letters = bytes.map((byte) => String.fromCharCode(byte))
  // Bytes without a letter of their own get the ones from 256 on.
  const others = range(256, 512 - bytes.length).map((code) => String.fromCharCode(code))
  const names = range(256, vocabSize).map((id) => `[${id}]`)
  const tokens = [...letters, ...others, ...names]
  return {
    'tokenizer.ggml.model': string('gpt2'),
    'tokenizer.ggml.pre': string('qwen2'),
    'tokenizer.ggml.tokens': array('string', tokens.map(text)),
    'tokenizer.ggml.token_type': array('int32', [Buffer.from(new Int32Array(vocabSize).fill(1).buffer)], vocabSize),
    'tokenizer.ggml.merges': array('string', [text(`${letters[0]} ${letters[1]}`)]),
    'tokenizer.ggml.eos_token_id': uint(vocabSize - 1),
    'tokenizer.ggml.add_bos_token': bool(false),
    'tokenizer.ggml.add_eos_token': bool(false),
  }
}

const range = (/** @type {number} */ from, /** @type {number} */ to) =>
  Array.from({ length: to - from }, (_, index) => from + index)

/** @returns {Tensor[]} */
function qwen3Tensors(/** @type {Decoder} */ config, /** @type {'BF16' | 'Q8_0'} */ type) {
  const { hidden, intermediate, numHeads, numKvHeads, headDim, vocabSize } = config
  const matrix = (/** @type {string} */ name, /** @type {number[]} */ shape) => ({ name, type, shape })
  const norm = (/** @type {string} */ name, /** @type {number} */ width) =>
    /** @type {Tensor} */ ({ name, type: 'F32', shape: [width] })
  const layers = Array.from({ length: config.numLayers }, (_, layer) => {
    const name = `blk.${layer}`
    return [
      norm(`${name}.attn_norm.weight`, hidden),
      matrix(`${name}.attn_q.weight`, [numHeads * headDim, hidden]),
      matrix(`${name}.attn_k.weight`, [numKvHeads * headDim, hidden]),
      matrix(`${name}.attn_v.weight`, [numKvHeads * headDim, hidden]),
      norm(`${name}.attn_q_norm.weight`, headDim),
      norm(`${name}.attn_k_norm.weight`, headDim),
      matrix(`${name}.attn_output.weight`, [hidden, numHeads * headDim]),
      norm(`${name}.ffn_norm.weight`, hidden),
      matrix(`${name}.ffn_gate.weight`, [intermediate, hidden]),
      matrix(`${name}.ffn_up.weight`, [intermediate, hidden]),
      matrix(`${name}.ffn_down.weight`, [hidden, intermediate]),
    ]
  })
  return [matrix('token_embd.weight', [vocabSize, hidden]), ...layers.flat(), norm('output_norm.weight', hidden)]
}

function header(/** @type {ReturnType<typeof qwen3Metadata>} */ metadata, /** @type {Tensor[]} */ tensors) {
  const parts = [Buffer.from('GGUF'), uint32(version), uint64(tensors.length), uint64(metadata.length)]
  for (const [key, value] of metadata) parts.push(text(key), value)
  let offset = 0
  for (const tensor of tensors) {
    const { name, type, shape } = tensor
    // The format lists the innermost dimension first.
    const axes = [...shape].reverse().map(uint64)
    parts.push(text(name), uint32(shape.length), ...axes, uint32(tensorTypes[type]), uint64(offset))
    offset += aligned(bytesOf(tensor))
  }
  const bytes = Buffer.concat(parts)
  return Buffer.concat([bytes, Buffer.alloc(aligned(bytes.length) - bytes.length)])
}

const aligned = (/** @type {number} */ bytes) => Math.ceil(bytes / alignment) * alignment

function bytesOf(/** @type {Tensor} */ { type, shape }) {
  const numbers = shape.reduce((product, axis) => product * axis, 1)
  return { F32: 4 * numbers, BF16: 2 * numbers, Q8_0: (numbers / blockNumbers) * (2 + blockNumbers) }[type]
}

function writeRepeated(/** @type {number} */ handle, /** @type {Buffer} */ numbers, /** @type {number} */ bytes) {
  for (let left = bytes; left > 0; left -= numbers.length) {
    writeSync(handle, numbers.subarray(0, Math.min(left, numbers.length)))
  }
  writeSync(handle, Buffer.alloc(aligned(bytes) - bytes))
}

const ones = (/** @type {number} */ length) => Buffer.from(new Float32Array(length).fill(1).buffer)

function bfloat16Numbers() {
  const next = uniformNumbers(1)
  // The sum of twelve uniform numbers is close to a normal one of deviation 1.
  const normal = () => Array.from({ length: 12 }, next).reduce((sum, value) => sum + value, -6)
  const floats = Float32Array.from({ length: period }, () => deviation * normal())
  // bfloat16 is the upper half of a float32.
  return Buffer.from(Uint16Array.from(new Uint32Array(floats.buffer), (bits) => bits >>> 16).buffer)
}

function blocks() {
  const next = uniformNumbers(2)
  const bytes = Buffer.alloc(blockPeriod * (2 + blockNumbers))
  // 2^-12 in float16: evenly distributed signed bytes have a deviation of 74, and 74 / 4096 is 0.018.
  const scale = 0x0c00
  for (let at = 0; at < bytes.length; at += 2 + blockNumbers) {
    bytes.writeUInt16LE(scale, at)
    for (let i = 0; i < blockNumbers; i++) bytes.writeInt8(Math.floor(next() * 255) - 127, at + 2 + i)
  }
  return bytes
}

/** Numbers in [0, 1), the same on every machine. */
function uniformNumbers(/** @type {number} */ seed) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const typed = (/** @type {keyof typeof valueTypes} */ type, /** @type {Buffer} */ value) =>
  Buffer.concat([uint32(valueTypes[type]), value])

const uint = (/** @type {number} */ value) => typed('uint32', uint32(value))

const float = (/** @type {number} */ value) => typed('float32', Buffer.from(Float32Array.of(value).buffer))

const bool = (/** @type {boolean} */ value) => typed('bool', Buffer.of(value ? 1 : 0))

const string = (/** @type {string} */ value) => typed('string', text(value))

/** `items` in their own encoding, without a type each. */
function array(/** @type {keyof typeof valueTypes} */ type, /** @type {Buffer[]} */ items, length = items.length) {
  return typed('array', Buffer.concat([uint32(valueTypes[type]), uint64(length), ...items]))
}

function text(/** @type {string} */ value) {
  const bytes = Buffer.from(value)
  return Buffer.concat([uint64(bytes.length), bytes])
}

const uint32 = (/** @type {number} */ value) => Buffer.from(Uint32Array.of(value).buffer)

const uint64 = (/** @type {number} */ value) => Buffer.from(BigUint64Array.of(BigInt(value)).buffer)
