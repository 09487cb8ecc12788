// The report of qvl bench throughput, as text and as JSON.

import { describe, expect, it } from 'vitest'
import { throughputJson, throughputText } from '#qvl/cli/throughput-report.js'
import type { ThroughputReport } from '#qvl/engine/throughput/throughput.js'
import { exampleImageReport, exampleReport } from '../engine/throughput/example-report.js'

/** As a device that does not measure itself reports it. */
function plainReport(): ThroughputReport {
  const { peakGflops: _, ...report } = exampleReport()
  return {
    ...report,
    dummyWeights: false,
    device: 'ort',
    arithmetic: { products: 'float32', threads: 1 },
    dataset: { name: 'random', numRequests: 1000, inputLen: 2048, rangeRatio: 0 },
    prefixCaching: false,
    memory: { peak: 2.5e9 },
    runs: [{ seconds: 2, promptTokens: 800, computedTokens: 800, flops: { linear: 1e9, attention: 1e8 } }],
  }
}

describe('throughputText', () => {
  it('has every figure of a device that measures itself', () => {
    expect(throughputText(exampleReport()).split('\n')).toEqual([
      'model     shapes/x, dummy weights',
      'device    cpu, avx512_bf16, bfloat16, 2 threads',
      'input     4 requests: a query of 20 tokens and 5 documents of 30 each, lengths ± 25.0 %',
      'tokens    1,000 asked for, 800 computed, 200 shared',
      'speed     500 tok/s (400 computed), 2 requests/s',
      '  run 1   500 tok/s (400 computed), 2 requests/s',
      '  run 2   1,000 tok/s (800 computed), 4 requests/s',
      '  run 3   250 tok/s (200 computed), 1 requests/s',
      'products  100 GFLOP/s (50.0 % of peak) in linears, 25 GFLOP/s (12.5 % of peak) in attention, 55 GFLOP/s (27.5 % of peak) over the whole run; the peak is 200',
      'time      linears 62.5 %, attention 25.0 %, the rest 12.5 %',
      'load      1.50 s at the first start, 0.25 s at the second',
      'memory    2.50 GB resident at most, 1.20 GB of it packed weights',
      '',
    ])
  })

  it('has the vision tower and what an image in the query costs', () => {
    const rows = throughputText(exampleImageReport()).split('\n')
    expect(rows.filter((row) => /^(input|products|tower| {2}time|cost)/.test(row))).toEqual([
      'input     4 requests: a query of an image of 40 tokens and 20 tokens and 5 documents of 30 each, lengths ± 25.0 %',
      'products  100 GFLOP/s (50.0 % of peak) in linears, 25 GFLOP/s (12.5 % of peak) in attention, 85 GFLOP/s (42.5 % of peak) over the whole run; the peak is 200',
      'tower     0.50 s for an image, 80 GFLOP/s (40.0 % of peak) in linears, 80 GFLOP/s (40.0 % of peak) in attention; the peak is 200',
      '  time    linears 50.0 %, attention 25.0 %, the rest 25.0 %',
      'cost      1.250 times the documents with a query of text (1.00 s) and the images alone (0.60 s)',
    ])
  })

  it('leaves out what the device does not say', () => {
    expect(throughputText(plainReport()).split('\n')).toEqual([
      'model     shapes/x',
      'device    ort, float32, 1 thread',
      'input     1,000 requests: a text of 2,048 tokens each, prefix sharing off',
      'tokens    800 asked for, 800 computed, 0 shared',
      'speed     400 tok/s, 500 requests/s',
      'products  0.55 GFLOP/s over the whole run',
      'load      1.50 s at the first start, 0.25 s at the second',
      'memory    2.50 GB resident at most',
      '',
    ])
  })

  it('calls the products of int8 operations', () => {
    const report = exampleReport()
    const arithmetic = { ...report.arithmetic, products: 'int8' as const }
    expect(throughputText({ ...report, arithmetic })).toContain('100 GOP/s (50.0 % of peak) in linears')
  })
})

describe('throughputJson', () => {
  it('has the medians, what was measured, and each run', () => {
    const json = JSON.parse(throughputJson(exampleReport()))
    expect(json).toMatchObject({
      elapsed_time: 2,
      num_requests: 4,
      total_num_tokens: 1000,
      computed_tokens: 800,
      shared_tokens: 200,
      requests_per_second: 2,
      tokens_per_second: 500,
      linear_gflops: 100,
      linear_share_of_peak: 0.5,
      peak_gflops: 200,
      dtype: 'bfloat16',
      instruction_set: 'avx512_bf16',
      dataset_name: 'random-rerank',
      random_query_len: 20,
      random_batch_size: 5,
      load_seconds: { first: 1.5, second: 0.25 },
      packed_weights_bytes: 1.2e9,
    })
    expect(json.runs.map((run: { elapsed_time: number }) => run.elapsed_time)).toEqual([2, 1, 4])
    expect(json.runs[0]).toMatchObject({ linear_flops: 100e9, linear_seconds: 1, device_seconds: 1.6 })
  })

  it('has no field for what is not known', () => {
    const json = JSON.parse(throughputJson(plainReport()))
    expect(json).toMatchObject({ dataset_name: 'random', random_input_len: 2048, enable_prefix_caching: false })
    for (const name of [
      'peak_gflops',
      'linear_gflops',
      'packed_weights_bytes',
      'instruction_set',
      'random_query_len',
    ]) {
      expect(json).not.toHaveProperty(name)
    }
  })
})
