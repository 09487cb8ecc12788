// Options of a call as fields of a request.

import type { CutOptions, VisualSettings } from '../engine/requests.js'
import type { CallOptions } from './options.js'

interface CommonFields extends CutOptions {
  instruction: string | undefined
  visualSettings: VisualSettings
}

export function commonFields(options: CallOptions): CommonFields {
  const { instruction, truncatePromptTokens, truncationSide, image, video } = options
  return { instruction, truncatePromptTokens, truncationSide, visualSettings: { image, video } }
}
