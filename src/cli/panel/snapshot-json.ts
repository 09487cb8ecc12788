// A snapshot as one line of JSON, with names as the metrics have them. What the server does not tell is null.

import type { Snapshot } from './snapshot.js'

export const snapshotJson = (snapshot: Snapshot): string =>
  JSON.stringify(snapshot, (_key, value: unknown) => {
    if (value === undefined) return null
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [snakeCase(name), inner ?? null]))
  })

const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
