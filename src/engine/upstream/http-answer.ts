// An answer of a replica, whatever its status.

import type { Dispatcher } from 'undici'

export interface HttpAnswer {
  status: number
  /** The header of that name; empty where there is none. */
  server: string
  /** Of a refusal for now, in seconds; 0 where there is none. */
  retryAfter: number
  /** The parsed body; undefined where it is no JSON. */
  body: unknown
}

export async function readAnswer({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<HttpAnswer> {
  const retryAfter = Number(headers['retry-after'])
  return {
    status: statusCode,
    server: String(headers.server ?? ''),
    retryAfter: retryAfter > 0 ? retryAfter : 0,
    body: parsed(await body.text()),
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A status without JSON, such as a proxy's page, is still an answer. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
