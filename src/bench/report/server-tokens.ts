// Tokens as the server's /metrics counts them: Prometheus counters before and after a run.

/** Undefined: the server does not count it. */
export interface ServerTokens {
  computed: number | undefined
  cached: number | undefined
}

export const nothingCounted: ServerTokens = { computed: undefined, cached: undefined }

/** The names of qvl, vLLM and SGLang; the first that is there counts. */
const computedNames = ['qvl_computed_tokens_total']
const cachedNames = ['vllm:prompt_tokens_cached_total', 'vllm:prefix_cache_hits_total', 'sglang:cached_tokens_total']

export function readServerTokens(metrics: string): ServerTokens {
  const rows = metrics.split('\n')
  return { computed: firstSum(rows, computedNames), cached: firstSum(rows, cachedNames) }
}

export function tokensBetween(before: ServerTokens, after: ServerTokens): ServerTokens {
  return {
    computed: difference(before.computed, after.computed),
    cached: difference(before.cached, after.cached),
  }
}

/** A counter that fell belongs to a server that was started anew. */
function difference(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined || after < before ? undefined : after - before
}

function firstSum(rows: readonly string[], names: readonly string[]): number | undefined {
  return names.map((name) => sumOf(rows, name)).find((sum) => sum !== undefined)
}

/** Over all labels of the counter: engines, models. */
function sumOf(rows: readonly string[], name: string): number | undefined {
  const values = rows.flatMap((row) => {
    const after = row.startsWith(name) ? row.slice(name.length) : ''
    const value = /^(?:\{.*\})?\s+(\S+)/.exec(after)?.[1]
    return value === undefined ? [] : [Number(value)]
  })
  if (values.length === 0 || !values.every(Number.isFinite)) return undefined
  return values.reduce((sum, value) => sum + value, 0)
}
