import type { Engine } from '#qvl/engine/requests.js'

export interface TinyEngineOptions {
  kind?: 'embed' | 'score'
  fingerprint?: string
  /** How long a batch takes. */
  delayMs?: number
  /** Whether the device fails on this text. */
  failing?: (text: string) => boolean
}

export function tinyEngine(options?: TinyEngineOptions): Engine
