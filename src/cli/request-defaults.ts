// Flags that stand for what a line leaves out.

import type { RequestDefaults } from '../api/request-options.js'
import type { Settings } from './settings.js'

export const requestDefaults = (settings: Settings): RequestDefaults => ({
  instruction: settings.instruction,
  dimensions: settings.dimensions,
  truncatePromptTokens: settings['truncate-prompt-tokens'],
  topN: settings['top-n'],
})
