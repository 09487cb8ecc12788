// The ranges that the numbers of a model's configuration may have: wide for real models, and too narrow to exhaust memory.

import type { NumberRange } from './fields.js'

/** The deepest published decoders have about 130 layers. */
export const layerRange: NumberRange = { min: 1, max: 1024 }

/** Hidden sizes reach 18,432 in published models. */
export const hiddenRange: NumberRange = { min: 1, max: 65_536 }

/** MLPs are a few times as wide as the hidden size. */
export const intermediateRange: NumberRange = { min: 1, max: 1_048_576 }

export const headRange: NumberRange = { min: 1, max: 1024 }

/** 64 to 256 in published models. */
export const headDimRange: NumberRange = { min: 2, max: 1024 }

/** Vocabularies reach 262,144. */
export const vocabRange: NumberRange = { min: 1, max: 4_194_304 }

/** Context lengths reach ten million tokens. */
export const positionRange: NumberRange = { min: 1, max: 16_777_216 }

/** 1e-12 (BERT) to 1e-5; anything near 1 would replace the norm. */
export const epsRange: NumberRange = { min: 1e-30, max: 0.1 }

/** 10,000 to some 10 million. */
export const ropeThetaRange: NumberRange = { min: 1, max: 1e12 }

/** Classifiers with more labels than this are not rerankers. */
export const labelRange: NumberRange = { min: 1, max: 100_000 }

/** 14 to 32 pixels in published vision towers. */
export const patchRange: NumberRange = { min: 1, max: 256 }

/** Frames per patch, and patches merged per side. */
export const mergeRange: NumberRange = { min: 1, max: 16 }

/** A square table of learned positions: 48 × 48 in Qwen3-VL. */
export const visionPositionRange: NumberRange = { min: 1, max: 1_048_576 }
