// What preparing a request depends on besides the model. Plain data, because worker threads get a copy.

import type { RequestSettings } from '../../api/request-settings.js'
import type { Preparer } from '../../engine/requests.js'
import type { Limits } from '../limits.js'

export interface PrepareSettings {
  /** Names a request may give as its `model`. */
  servedModelNames: readonly string[]
  limits: Pick<Limits, 'maxItems' | 'maxTextBytes' | 'maxQueuedRequests' | 'maxQueuedTokens'>
  trustRequestChatTemplate: boolean
}

/** The same as the parsers of api/ take it. */
export function requestSettings(settings: PrepareSettings, preparer: Preparer): RequestSettings {
  const { limits, trustRequestChatTemplate } = settings
  return {
    maxItems: limits.maxItems,
    maxTextBytes: limits.maxTextBytes,
    model: preparer.model,
    promptNames: preparer.model.promptNames,
    renderChat: (messages, options) => preparer.renderChat(messages, options),
    trustRequestChatTemplate,
    acceptsBytes: true,
  }
}
