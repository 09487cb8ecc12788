// The decoder of a configuration that has one.

import type { DecoderConfig, ModelConfig } from '#qvl/checkpoint/config.js'

export function decoderOf(config: ModelConfig): DecoderConfig {
  if (config.family === 'bert') throw new Error('an encoder has no decoder')
  return config.text
}
