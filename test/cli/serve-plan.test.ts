import { describe, expect, it } from 'vitest'
import { checkFits, planText } from '#qvl/cli/serve-plan.js'
import type { EnginePlan, TowerPlan } from '#qvl/engine/plan.js'

const GiB = 1024 ** 3

const plan = (given: Partial<Record<'weights' | 'batch' | 'prompt' | 'prefixes', number>>): EnginePlan => ({
  ...{ device: 'cpu', dtype: 'bfloat16', threads: 8, maxModelLen: 32_768, maxNumBatchedTokens: 8192 },
  ...{ weightBytes: 0, packedBytes: (given.weights ?? 1) * GiB, workspaceBytes: (given.batch ?? 1) * GiB },
  ...{ longestPromptBytes: (given.prompt ?? 1) * GiB, prefixCacheBytes: (given.prefixes ?? 0) * GiB },
})

const tower = (given: Partial<Record<'weights' | 'run' | 'largest' | 'kept', number>>): TowerPlan => ({
  ...{ packedBytes: (given.weights ?? 1) * GiB, workspaceBytes: (given.run ?? 0) * GiB },
  ...{ largestBytes: (given.largest ?? 0) * GiB, cacheBytes: (given.kept ?? 0) * GiB },
})

describe('a plan', () => {
  it('is told in two lines', () => {
    expect(planText(plan({ weights: 15.5, batch: 0.5, prompt: 2, prefixes: 1 }), 64 * GiB)).toEqual([
      'Plan: bfloat16 on cpu with 8 threads.',
      'Plan: weights 15.5 GiB, a batch of 8,192 tokens 512 MiB, a prompt of 32,768 tokens 2.0 GiB, kept prefixes 1.0 GiB; 18.7 GiB of 64.0 GiB of memory at most.',
    ])
  })

  it('has a line for the vision tower', () => {
    const [, line, last] = planText({ ...plan({}), tower: tower({ run: 0.5, largest: 2, kept: 1 }) }, 64 * GiB)
    expect(line).toBe(
      'Plan: vision tower 1.0 GiB, a run of the vision tower 512 MiB, its largest image or video 2.0 GiB, kept images 1.0 GiB.',
    )
    expect(last).toMatch(/; 6\.2 GiB of 64\.0 GiB of memory at most\.$/)
  })

  it.each([
    [1, 'float16 on one npu, with weights and values in its own memory.'],
    [4, 'float16 on 4 npu devices, with weights and values in their own memory.'],
  ])('counts the memory here where %d devices have their own', (numDevices, first) => {
    const npu = { device: 'npu', dtype: 'float16', ownMemory: { numDevices }, packedBytes: 0 } as const
    const lines = planText({ ...plan({ batch: 0.5, prompt: 0.25 }), ...npu, tower: tower({ weights: 0 }) }, 64 * GiB)
    expect(lines).toEqual([
      `Plan: ${first}`,
      'Plan: a run of the vision tower 0 MiB, its largest image or video 0 MiB, kept images 0 MiB.',
      'Plan: a batch of 8,192 tokens 512 MiB, a prompt of 32,768 tokens 256 MiB; 704 MiB of 64.0 GiB of memory at most.',
    ])
  })

  const cases: { name: string; plan: EnginePlan; limit: number; says: RegExp | undefined }[] = [
    { name: 'one that fits', plan: plan({}), limit: 4, says: undefined },
    { name: 'too many kept prefixes', plan: plan({ prefixes: 3 }), limit: 4, says: /--kv-cache-memory-bytes 1856M/ },
    { name: 'too long a prompt', plan: plan({ prompt: 8 }), limit: 4, says: /--max-model-len/ },
    { name: 'too large a batch', plan: plan({ batch: 8, prompt: 8 }), limit: 4, says: /--max-num-batched-tokens/ },
    {
      name: 'too many kept prefixes beside images',
      plan: { ...plan({ prefixes: 3 }), tower: tower({ weights: 0.5, kept: 0.25 }) },
      limit: 4,
      says: /--kv-cache-memory-bytes 1088M/,
    },
    { name: 'too many kept images', plan: { ...plan({}), tower: tower({ kept: 3 }) }, limit: 4, says: /-gb 0\.8\.$/ },
    {
      name: 'too many of both',
      plan: { ...plan({ prefixes: 1 }), tower: tower({ kept: 3 }) },
      limit: 4,
      says: /--mm-processor-cache-gb 0\.8 --kv-cache-memory-bytes 0\.$/,
    },
    {
      name: 'too large videos',
      plan: { ...plan({}), tower: tower({ largest: 3 }) },
      limit: 4,
      says: /--limit-mm-per-p/,
    },
    { name: 'too large a model', plan: plan({ weights: 16 }), limit: 4, says: /--quantization int8/ },
    { name: 'a small container', plan: plan({ weights: 1.2 }), limit: 0.5, says: /--quantization int8/ },
  ]
  it.each(cases)('$name', ({ plan, limit, says }) => {
    if (says === undefined) return checkFits(plan, limit * GiB)
    expect(() => checkFits(plan, limit * GiB)).toThrow(
      expect.objectContaining({
        code: 'MEMORY_EXHAUSTED',
        exit: 1,
        details: expect.objectContaining({ do: expect.stringMatching(says) }),
      }),
    )
  })
})
