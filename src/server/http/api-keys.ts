// API keys: who may ask, decided in a time that says nothing about the keys.

import { createHash, timingSafeEqual } from 'node:crypto'

export interface ApiKeys {
  /** False: there are no keys, and everybody may ask. */
  readonly required: boolean
  /** `authorization`: every header of that name, as it was sent. */
  allow(authorization: readonly string[]): boolean
}

export function apiKeys(keys: readonly string[]): ApiKeys {
  const digests = keys.map(digest)
  return {
    required: keys.length > 0,
    allow(authorization) {
      if (keys.length === 0) return true
      // Two headers: a proxy and this server could each believe another one.
      if (authorization.length !== 1) return false
      const token = /^bearer +(\S+) *$/i.exec(authorization[0]!)?.[1] ?? ''
      const given = digest(token)
      // Digests have one length, and all of them are compared.
      return digests.map((known) => timingSafeEqual(known, given)).includes(true)
    },
  }
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
