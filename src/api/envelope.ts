// The fields of every request that say nothing about its content: which model, how urgent, and for whom.

import { Fields } from './fields.js'

export interface Envelope {
  /** As the client wrote it; absent when it is missing, null or empty. */
  model: string | undefined
  /** Lower goes first (default 0). */
  priority: number
  /** Requests with different salts must not see each other's kept prefixes. */
  cacheSalt: string | undefined
}

/** Longer ones are refused by newer vLLM too. */
const maxSalt = 1024

/**
 * Throws REQUEST_SCHEMA. `user` and `request_id` are read for their type only, as in vLLM.
 */
export function parseEnvelope(body: unknown, path: string): Envelope {
  const fields = new Fields(body, path)
  fields.string('user')
  fields.string('request_id')
  const cacheSalt = fields.string('cache_salt')
  if (cacheSalt !== undefined && (cacheSalt.length === 0 || cacheSalt.length > maxSalt)) {
    throw fields.invalid('cache_salt', `a string of 1 to ${maxSalt} characters`)
  }
  return {
    model: fields.string('model') || undefined,
    priority: fields.integer('priority', Number.MIN_SAFE_INTEGER) ?? 0,
    cacheSalt,
  }
}
