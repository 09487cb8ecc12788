// Short answers in one piece.

import type { RouteAnswer } from '../../route.js'

export const emptyAnswer = (status: number): RouteAnswer => ({ status, body: '' })

export function jsonAnswer(status: number, value: unknown): RouteAnswer {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}
