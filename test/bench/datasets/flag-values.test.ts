import { describe, expect, it } from 'vitest'
import { parseMediaBuckets, parseMediaLimits, parseRangeRatio } from '#qvl/bench/datasets/flag-values.js'

describe('values of dataset flags', () => {
  it.each<[given: string, ratio: unknown]>([
    ['0.0', 0],
    ['0.25', 0.25],
    ['{"input": 0.3, "output": 0.5}', { input: 0.3, output: 0.5 }],
  ])('--random-range-ratio %s', (given, ratio) => {
    expect(parseRangeRatio(given)).toEqual(ratio)
  })

  it.each(['', 'x', '{"input": 0.3}', '[1]'])('--random-range-ratio refuses %j', (given) => {
    expect(() => parseRangeRatio(given)).toThrow(/--random-range-ratio/)
  })

  it('--random-mm-limit-mm-per-prompt', () => {
    expect(parseMediaLimits('{"image": 3, "video": 0}')).toEqual({ image: 3, video: 0 })
    for (const given of ['3', '{"image": "3"}', '{']) expect(() => parseMediaLimits(given)).toThrow(/limit-mm/)
  })

  const two = [
    { height: 256, width: 256, frames: 1, probability: 0.5 },
    { height: 720, width: 1280, frames: 16, probability: 0.1 },
  ]
  it.each<[given: string, buckets: unknown]>([
    ['{(256, 256, 1): 0.5, (720, 1280, 16): 0.1}', two],
    ['{(256,256,1):0.5,(720,1280,16):1e-1,}', two],
    ['{"(256, 256, 1)": 0.5, "(720, 1280, 16)": 0.1}', two],
    ["{'(256, 256, 1)': .5}", two.slice(0, 1)],
  ])('--random-mm-bucket-config %s', (given, buckets) => {
    expect(parseMediaBuckets(given)).toEqual(buckets)
  })

  it.each([
    '',
    '{}',
    '(256, 256, 1): 1',
    '{(256, 256): 1}',
    '{(256, 256, 1): x}',
    '{(1, 1, 1): 1 (1, 1, 2): 1}',
    '{"a": 1}',
  ])('--random-mm-bucket-config refuses %j', (given) => {
    expect(() => parseMediaBuckets(given)).toThrow(/bucket-config/)
  })
})
