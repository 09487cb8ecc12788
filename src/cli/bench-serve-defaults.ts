// What the flags of qvl bench serve are when nobody says, as vLLM has it.

import { defaultTimeoutSec } from '../bench/limits.js'
import type { Settings } from './settings.js'

export const benchServeDefaults = {
  host: '127.0.0.1',
  port: 8000,
  'num-prompts': 1000,
  'request-rate': Number.POSITIVE_INFINITY,
  burstiness: 1,
  'num-warmups': 0,
  'ready-check-timeout-sec': 0,
  seed: 0,
  'request-timeout': defaultTimeoutSec,
  'percentile-metrics': 'e2el',
  'metric-percentiles': '99',
} as const satisfies Partial<Settings>

type Defaulted = keyof typeof benchServeDefaults

/** The settings with the defaults of this command. */
export type BenchServeSettings = Settings & { readonly [Name in Defaulted]: NonNullable<Settings[Name]> }

export function withBenchDefaults(settings: Settings): BenchServeSettings {
  return {
    ...settings,
    host: settings.host ?? benchServeDefaults.host,
    port: settings.port ?? benchServeDefaults.port,
    'num-prompts': settings['num-prompts'] ?? benchServeDefaults['num-prompts'],
    'request-rate': settings['request-rate'] ?? benchServeDefaults['request-rate'],
    burstiness: settings.burstiness ?? benchServeDefaults.burstiness,
    'num-warmups': settings['num-warmups'] ?? benchServeDefaults['num-warmups'],
    'ready-check-timeout-sec': settings['ready-check-timeout-sec'] ?? benchServeDefaults['ready-check-timeout-sec'],
    seed: settings.seed ?? benchServeDefaults.seed,
    'request-timeout': settings['request-timeout'] ?? benchServeDefaults['request-timeout'],
    'percentile-metrics': settings['percentile-metrics'] ?? benchServeDefaults['percentile-metrics'],
    'metric-percentiles': settings['metric-percentiles'] ?? benchServeDefaults['metric-percentiles'],
  }
}
