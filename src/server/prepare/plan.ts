// A body, read and checked; what is left to do is tokenising, and how much of that there is.

import { parseEnvelope } from '../../api/envelope.js'
import type { RequestSettings } from '../../api/request-settings.js'
import type { Preparer } from '../../engine/requests.js'
import { QvlError } from '../../errors.js'
import { readJson } from './body.js'
import { planners } from './planners.js'
import type { PreparedOf, PreparedRoute } from './prepared.js'
import { type PrepareSettings, requestSettings } from './settings.js'

export interface Plan<Result> {
  /** Characters to tokenise, a query counted with each of its documents. */
  readonly numCharacters: number
  /** Templates and tokenises. Throws what a preparer throws. */
  run(): Result
}

/** What the planner of a route is given besides the JSON value. */
export interface PlanContext {
  preparer: Preparer
  settings: RequestSettings
  priority: number
}

/** Throws REQUEST_*, MODEL_NOT_SERVED, NOT_IMPLEMENTED. */
export function planBody<Route extends PreparedRoute>(
  route: Route,
  body: Uint8Array,
  preparer: Preparer,
  settings: PrepareSettings,
): Plan<PreparedOf<Route>> {
  const json = readJson(body)
  const { model, priority } = parseEnvelope(json, 'body')
  checkModel(model, route, settings)
  return planners[route](json, { preparer, settings: requestSettings(settings, preparer), priority })
}

/** The whole of it, in whichever thread. */
export function prepareBody<Route extends PreparedRoute>(
  route: Route,
  body: Uint8Array,
  preparer: Preparer,
  settings: PrepareSettings,
): PreparedOf<Route> {
  return planBody(route, body, preparer, settings).run()
}

/** Longer names are cut in messages, which never echo a body. */
const maxQuoted = 100

/** vLLM's text, which clients look for; it names the field only where text is tokenised. */
function checkModel(model: string | undefined, route: PreparedRoute, { servedModelNames }: PrepareSettings): void {
  if (model === undefined || servedModelNames.includes(model)) return
  throw new QvlError('MODEL_NOT_SERVED', {
    what: `The model \`${model.slice(0, maxQuoted)}\` does not exist.`,
    do: `This server has ${servedModelNames.map((name) => `\`${name}\``).join(', ')}.`,
    ...((route === 'tokenize' || route === 'detokenize') && { param: 'model' }),
  })
}
