// Opens the model that the flags name, and says on the way what is going on.

import { openAnyEngine } from '../engine/open.js'
import type { EngineOptions } from '../engine/options.js'
import type { Engine } from '../engine/requests.js'
import type { Context } from './context.js'
import { engineOptions } from './engine-options.js'
import type { ModelCommandName } from './flag.js'
import { withCommas } from './progress-text.js'

export interface OpenedModel {
  engine: Engine
  options: EngineOptions
}

/** Throws USAGE, and what openEngine throws; the reason of the signal once it is aborted. */
export async function openModel(context: Context, command: ModelCommandName, mediaBase?: string): Promise<OpenedModel> {
  const { settings, messages, signal, terminal, progress } = context
  const options = await engineOptions(settings, command, { note: messages.note, mediaBase })
  const started = performance.now()
  const loading = `loading ${options.model} on ${placeOf(options)}`
  if (terminal.animate) messages.note(loading)
  else messages.detail(loading)
  const { warn } = messages
  const opening = openAnyEngine({ ...options, signal, warn, onDownload: (event) => progress.download(event) })
  context.closeAtEnd(() => opening.then((engine) => engine.close(), ignoreReported))
  const engine = await Promise.race([opening, aborted(signal)])
  progress.clear()
  const { format, formatReason, hidden, maxModelLen } = engine.model
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  messages.detail(`ready in ${seconds} s: width ${hidden}, prompts up to ${withCommas(maxModelLen)} tokens`)
  messages.detail(`prompt format ${format}: ${formatReason}`)
  return { engine, options }
}

/** Where it is computed, for people. */
export const placeOf = ({ device, upstream }: EngineOptions): string =>
  upstream === undefined ? String(device) : upstream.urls.map((url) => new URL(url).host).join(', ')

/** Not every step of loading can be cut short; the process may leave meanwhile. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** A failure to open was thrown already. */
function ignoreReported(): void {}
