// What every endpoint that computes does: prepare the body, admit it whole, run its tasks, and measure.

import { setMaxListeners } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AnswerHead } from '../../api/answer.js'
import type { VectorBytes } from '../../api/vector-bytes.js'
import type { ResultOf, Task } from '../../engine/requests.js'
import type { Prepared, PreparedOf, PreparedRoute } from '../prepare/prepared.js'
import type { RouteAnswer, RouteRequest, ServerContext } from '../route.js'

export async function prepare<Name extends PreparedRoute>(
  name: Name,
  request: RouteRequest,
  { preparation }: ServerContext,
): Promise<PreparedOf<Name>> {
  const started = performance.now()
  try {
    const prepared = await preparation.prepare(name, request.body, { signal: request.signal })
    request.hold(prepared.loaded?.numBytes ?? 0)
    return prepared
  } finally {
    request.timing.tokeniseMs = performance.now() - started
  }
}

/** The result of each task, in order. When one fails, the others are not computed for nothing. */
export async function run<Asked extends Task>(
  prepared: { tasks: readonly Asked[] } & Pick<Prepared, 'priority' | 'cacheSalt' | 'loaded'>,
  request: RouteRequest,
  { engine }: ServerContext,
): Promise<ResultOf<Asked>[]> {
  const { tasks, priority, cacheSalt, loaded } = prepared
  const promptTokens = tasks.reduce((sum, task) => sum + task.promptTokens, 0)
  Object.assign(request.timing, { promptTokens, items: numItems(tasks) })
  request.admit(promptTokens)
  const failed = new AbortController()
  const signal = AbortSignal.any([request.signal, failed.signal])
  // Every image and every sequence may listen; Node warns at eleven.
  setMaxListeners(0, signal)
  try {
    const results = await Promise.all(engine.submit(tasks, { signal, priority, cacheSalt, visuals: loaded?.byKey }))
    measure(request, results)
    // A batch may have answered hundreds of tasks in this turn; writing their answer is for the next.
    await nextTurn()
    return results
  } catch (error) {
    failed.abort(error)
    throw error
  }
}

export function answerHead(request: RouteRequest, context: ServerContext): AnswerHead {
  const { servedModelNames, promptTokensDetails } = context
  return { id: request.id, created: Math.floor(Date.now() / 1000), model: servedModelNames[0]!, promptTokensDetails }
}

/** A JSON answer that is written piece by piece. */
export function jsonAnswer(body: Iterable<string>): RouteAnswer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

export function bytesAnswer({ metadata, pieces }: VectorBytes): RouteAnswer {
  const headers = { 'content-type': 'application/octet-stream', ...(metadata !== undefined && { metadata }) }
  return { status: 200, headers, body: pieces }
}

/** Texts or pairs: the query that cosines are taken with is neither. */
function numItems(tasks: readonly Task[]): number {
  return tasks.reduce((sum, { kind, sequences }) => sum + sequences.length - (kind === 'cosine' ? 1 : 0), 0)
}

function measure({ timing }: RouteRequest, results: readonly ResultOf<Task>[]): void {
  timing.queueMs = Math.max(...results.map((result) => result.timing.queueMs))
  timing.runMs = Math.max(...results.map((result) => result.timing.runMs))
  timing.cachedTokens = results.reduce((sum, { usage }) => sum + usage.cachedTokens, 0)
}
