// config.json as typed values: which model it is and all its sizes, each checked against the others.

import { join } from 'node:path'
import { QvlError } from '../errors.js'
import { type DecoderConfig, parseDecoder, parseVlDecoder, type VlDecoderConfig } from './config-decoder.js'
import { type EncoderConfig, parseEncoder } from './config-encoder.js'
import { type ClassifierConfig, type MatryoshkaDimensions, parseClassifier, parseMatryoshka } from './config-head.js'
import { mergeOverrides } from './config-overrides.js'
import { parseVision, type VisionConfig } from './config-vision.js'
import { Fields, isJsonObject, type JsonObject } from './fields.js'
import { readJsonFile } from './json.js'
import { quoteName } from './quote-name.js'
import type { TensorDtype } from './weights.js'

export type { ClassifierConfig, DecoderConfig, EncoderConfig, MatryoshkaDimensions, VisionConfig, VlDecoderConfig }

interface CommonConfig {
  /** The class in `architectures`, such as Qwen3ForCausalLM. */
  architecture: string
  /** The type the weights are meant to be used in; undefined where the configuration does not say. */
  dtype: TensorDtype | undefined
  classifier: ClassifierConfig
  matryoshkaDimensions: MatryoshkaDimensions
}

export interface Qwen3Config extends CommonConfig {
  family: 'qwen3'
  text: DecoderConfig
}

export interface Qwen3VlConfig extends CommonConfig {
  family: 'qwen3-vl'
  text: VlDecoderConfig
  vision: VisionConfig
  imageTokenId: number
  videoTokenId: number
  visionStartTokenId: number
  visionEndTokenId: number
}

/** BERT, RoBERTa and XLM-RoBERTa: one network, whose positions count from different numbers. */
export interface BertConfig extends CommonConfig {
  family: 'bert'
  encoder: EncoderConfig
}

export type ModelConfig = Qwen3Config | Qwen3VlConfig | BertConfig

/** The part of a configuration that is about the network for text; a vision tower comes beside it. */
export const networkOf = (config: ModelConfig): DecoderConfig | EncoderConfig =>
  config.family === 'bert' ? config.encoder : config.text

interface Family {
  modelType: string
  /** The first one is meant where the configuration names none. */
  architectures: readonly [string, ...string[]]
  parse: (fields: Fields, architecture: string) => ModelConfig
}

const families: readonly Family[] = [
  {
    modelType: 'qwen3',
    architectures: ['Qwen3Model', 'Qwen3ForCausalLM', 'Qwen3ForSequenceClassification'],
    parse: parseQwen3,
  },
  {
    modelType: 'qwen3_vl',
    architectures: ['Qwen3VLModel', 'Qwen3VLForConditionalGeneration', 'Qwen3VLForSequenceClassification'],
    parse: parseQwen3Vl,
  },
  bertFamily('bert', 'Bert'),
  bertFamily('roberta', 'Roberta'),
  bertFamily('xlm-roberta', 'XLMRoberta'),
]

/**
 * The encoder is the same whatever was trained on top of it; embedding models are published under the names of what their
 * training began with.
 */
function bertFamily(modelType: string, prefix: string): Family {
  return {
    modelType,
    architectures: [`${prefix}Model`, `${prefix}ForSequenceClassification`, `${prefix}ForMaskedLM`],
    parse: (fields, architecture) => parseBert(fields, architecture, modelType !== 'bert'),
  }
}

/** transformers' names of the types, in both layouts. */
const dtypes: Record<string, TensorDtype> = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' }

export interface ReadConfigOptions {
  /** vLLM's `--hf-overrides`. */
  overrides?: JsonObject | undefined
  /** Told about code that a checkpoint brings, which is never run. */
  warn?: (message: string) => void
}

/** Reads a folder's config.json. */
export async function readConfig(dir: string, { overrides, warn }: ReadConfigOptions = {}): Promise<ModelConfig> {
  const file = join(dir, 'config.json')
  const raw = await readJsonFile(file, { what: "a model's configuration", code: 'CONFIG_INVALID' })
  const config = parseConfig(raw, overrides, file)
  if (isJsonObject(raw) && Object.hasOwn(raw, 'auto_map'))
    warn?.(`${file} names its own code in auto_map; it is not run.`)
  return config
}

/**
 * Throws MODEL_UNSUPPORTED for another model, or CONFIG_INVALID with the field and what it may be. Fields that are not
 * known are ignored: nothing in a configuration makes qvl run code.
 */
export function parseConfig(raw: unknown, overrides: JsonObject = {}, file = 'config.json'): ModelConfig {
  const source = { file, code: 'CONFIG_INVALID' } as const
  const fields = new Fields(mergeOverrides(raw, overrides), source)
  const { family, architecture } = chooseFamily(fields, file)
  if (fields.has('quantization_config'))
    throw fields.unsupported('quantization_config', 'a checkpoint in bf16, f16 or f32')
  return family.parse(fields, architecture)
}

function chooseFamily(fields: Fields, file: string): { family: Family; architecture: string } {
  const modelType = fields.optionalString('model_type')
  const named = fields.optionalStrings('architectures') ?? []
  const family = families.find((one) =>
    modelType === undefined ? one.architectures.some((name) => named.includes(name)) : one.modelType === modelType,
  )
  if (family === undefined) {
    const name = modelType ?? named[0]
    if (name === undefined)
      throw fields.invalid('model_type', `one of ${families.map((one) => one.modelType).join(', ')}`)
    throw unsupportedModel(file, name)
  }
  const architecture =
    named.length === 0 ? family.architectures[0] : named.find((name) => family.architectures.includes(name))
  if (architecture === undefined) throw unsupportedModel(file, named[0]!)
  return { family, architecture }
}

function parseQwen3(fields: Fields, architecture: string): Qwen3Config {
  const text = parseDecoder(fields)
  return {
    family: 'qwen3',
    architecture,
    dtype: parseDtype(fields),
    text,
    classifier: parseClassifier(fields, architecture),
    matryoshkaDimensions: parseMatryoshka(fields, text.hidden),
  }
}

function parseQwen3Vl(fields: Fields, architecture: string): Qwen3VlConfig {
  const textFields = fields.object('text_config')
  const text = parseVlDecoder(textFields, fields.optionalBoolean('tie_word_embeddings'))
  const tokenId = { min: 0, max: text.vocabSize - 1 }
  return {
    family: 'qwen3-vl',
    architecture,
    dtype: parseDtype(fields) ?? parseDtype(textFields),
    text,
    vision: parseVision(fields.object('vision_config'), text),
    imageTokenId: fields.int('image_token_id', tokenId),
    videoTokenId: fields.int('video_token_id', tokenId),
    visionStartTokenId: fields.int('vision_start_token_id', tokenId),
    visionEndTokenId: fields.int('vision_end_token_id', tokenId),
    classifier: parseClassifier(fields, architecture),
    matryoshkaDimensions: parseMatryoshka(fields, text.hidden),
  }
}

function parseBert(fields: Fields, architecture: string, countsFromPadding: boolean): BertConfig {
  const encoder = parseEncoder(fields, { countsFromPadding })
  return {
    family: 'bert',
    architecture,
    dtype: parseDtype(fields),
    encoder,
    classifier: parseClassifier(fields, architecture),
    matryoshkaDimensions: parseMatryoshka(fields, encoder.hidden),
  }
}

/** transformers 4 calls it `torch_dtype`, transformers 5 `dtype`. */
function parseDtype(fields: Fields): TensorDtype | undefined {
  const key = fields.has('dtype') ? 'dtype' : 'torch_dtype'
  const name = fields.optionalString(key)
  if (name === undefined) return undefined
  if (!Object.hasOwn(dtypes, name)) throw fields.invalid(key, `one of ${Object.keys(dtypes).join(', ')}`)
  return dtypes[name]
}

function unsupportedModel(file: string, name: string): QvlError {
  return new QvlError('MODEL_UNSUPPORTED', {
    what: `${file} is of the model ${quoteName(name)}, which is not supported.`,
    why: `Supported are ${families.map((one) => `${one.modelType} (${one.architectures.join(', ')})`).join('; ')}.`,
    do: 'Use a checkpoint of one of these, or name its architecture with --hf-overrides if it is one under another name.',
    param: 'architectures',
  })
}
