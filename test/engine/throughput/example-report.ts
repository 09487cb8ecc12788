// A report with round numbers.

import type { ThroughputReport } from '#qvl/engine/throughput/throughput.js'

export const exampleReport = (): ThroughputReport => ({
  model: 'shapes/x',
  dummyWeights: true,
  dataset: {
    name: 'random-rerank',
    numRequests: 4,
    queryLen: 20,
    documentLen: 30,
    documentsPerRequest: 5,
    rangeRatio: 0.25,
  },
  numSequences: 20,
  device: 'cpu',
  arithmetic: { products: 'bfloat16', threads: 2, instructionSet: 'avx512_bf16' },
  prefixCaching: true,
  loadSeconds: { first: 1.5, second: 0.25 },
  peakGflops: 200,
  memory: { peak: 2.5e9, packedWeights: 1.2e9 },
  runs: [2, 1, 4].map((seconds) => ({
    seconds,
    promptTokens: 1000,
    computedTokens: 800,
    flops: { linear: 100e9, attention: 10e9 },
    device: { linearSeconds: seconds / 2, attentionSeconds: seconds / 5, totalSeconds: 0.8 * seconds },
  })),
})

/** The same with an image in each query; the peak of the tower is its own. */
export function exampleImageReport(): ThroughputReport {
  const report = exampleReport()
  const { dataset } = report
  if (dataset.name !== 'random-rerank') throw new TypeError('the example is of pairs')
  return {
    ...report,
    dataset: { ...dataset, imageTokens: 40 },
    towerPeakGflops: 200,
    runs: report.runs.map((run) => ({
      ...run,
      tower: {
        images: 2,
        flops: { linear: 40e9, attention: 20e9 },
        device: { linearSeconds: 0.5, attentionSeconds: 0.25, totalSeconds: 1 },
      },
      parts: { documents: run.seconds / 2, images: 0.3 * run.seconds },
    })),
  }
}
