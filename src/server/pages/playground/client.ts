// Requests of the page to its server, with the key of the visitor.

import { page } from './dom.js'

const keyName = 'qvl-api-key'

export const storedKey = (): string => page().sessionStorage.getItem(keyName) ?? ''

/** Kept until the tab is closed. */
export const storeKey = (key: string): void => page().sessionStorage.setItem(keyName, key)

export class Refused extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export interface Answered {
  body: unknown
  milliseconds: number
  /** The Server-Timing header. */
  timing: string
}

export interface SendOptions {
  body?: unknown
  signal?: AbortSignal
}

/** Throws Refused for an answer that is none, and what fetch throws. */
export async function send(path: string, { body, signal }: SendOptions = {}): Promise<Answered> {
  const key = storedKey()
  const headers = {
    ...(key !== '' && { authorization: `Bearer ${key}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const started = performance.now()
  const response = await fetch(new URL(path, page().document.baseURI), {
    headers,
    ...(body !== undefined && { method: 'POST', body: JSON.stringify(body) }),
    ...(signal !== undefined && { signal }),
  })
  const answered: unknown = await response.json()
  if (!response.ok) throw new Refused(response.status, messageOf(answered))
  return {
    body: answered,
    milliseconds: performance.now() - started,
    timing: response.headers.get('server-timing') ?? '',
  }
}

export function messageOf(answered: unknown): string {
  if (typeof answered !== 'object' || answered === null) return 'The server refused the request.'
  const { error, why } = { error: undefined, why: undefined, ...answered } as Record<string, unknown>
  if (typeof error === 'string') return error
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message)
  return typeof why === 'string' ? why : 'The server refused the request.'
}
