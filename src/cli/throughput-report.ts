// The report of qvl bench throughput: as text for people, and as JSON with vLLM's names where it has one.

import type { Dataset } from '../engine/throughput/datasets.js'
import { type Figures, figuresOf } from '../engine/throughput/figures.js'
import type { ThroughputReport } from '../engine/throughput/throughput.js'
import { withCommas } from './progress-text.js'

export function throughputText(report: ThroughputReport): string {
  const { runs, median } = figuresOf(report)
  const { first, second } = report.loadSeconds
  const rows: [label: string, text: string][] = [
    ['model', `${report.model}${report.dummyWeights ? ', dummy weights' : ''}`],
    ['device', deviceText(report)],
    ['input', inputText(report)],
    ['tokens', tokensText(report)],
    ['speed', speedText(median)],
    ...(runs.length > 1 ? runs.map((run, index): [string, string] => [`  run ${index + 1}`, speedText(run)]) : []),
    ['products', productsText(report, median)],
    ...timeRows(median),
    ['load', `${first.toFixed(2)} s at the first start, ${second.toFixed(2)} s at the second`],
    ['memory', memoryText(report)],
  ]
  const width = Math.max(...rows.map(([label]) => label.length)) + 2
  return rows.map(([label, text]) => `${label.padEnd(width)}${text}\n`).join('')
}

export function throughputJson(report: ThroughputReport): string {
  const { runs, median } = figuresOf(report)
  const { dataset, arithmetic, memory, loadSeconds } = report
  const first = report.runs[0]!
  const values = {
    num_requests: dataset.numRequests,
    total_num_tokens: first.promptTokens,
    computed_tokens: first.computedTokens,
    shared_tokens: first.promptTokens - first.computedTokens,
    ...figuresJson(median),
    peak_gflops: report.peakGflops,
    model: report.model,
    dummy_weights: report.dummyWeights,
    device: report.device,
    dtype: arithmetic.products,
    threads: arithmetic.threads,
    instruction_set: arithmetic.instructionSet,
    ...datasetJson(dataset),
    num_sequences: report.numSequences,
    enable_prefix_caching: report.prefixCaching,
    load_seconds: loadSeconds,
    peak_memory_bytes: memory.peak,
    packed_weights_bytes: memory.packedWeights,
    runs: report.runs.map(({ flops, device }, index) => ({
      ...figuresJson(runs[index]!),
      linear_flops: flops.linear,
      attention_flops: flops.attention,
      linear_seconds: device?.linearSeconds,
      attention_seconds: device?.attentionSeconds,
      device_seconds: device?.totalSeconds,
    })),
  }
  return `${JSON.stringify(values, null, 2)}\n`
}

/** Fields that are not there are left out of the JSON. */
const figuresJson = (figures: Figures): Record<string, number | undefined> => ({
  elapsed_time: figures.seconds,
  requests_per_second: figures.requestsPerSecond,
  tokens_per_second: figures.tokensPerSecond,
  computed_tokens_per_second: figures.computedTokensPerSecond,
  gflops: figures.gflops,
  share_of_peak: figures.share,
  linear_gflops: figures.linearGflops,
  linear_share_of_peak: figures.linearShare,
  linear_share_of_time: figures.linearTime,
  attention_share_of_time: figures.attentionTime,
})

/** Named after the flags. */
function datasetJson(dataset: Dataset): Record<string, string | number> {
  const { name, rangeRatio } = dataset
  const lengths =
    name === 'random'
      ? { random_input_len: dataset.inputLen }
      : {
          random_query_len: dataset.queryLen,
          random_document_len: dataset.documentLen,
          random_batch_size: dataset.documentsPerRequest,
        }
  return { dataset_name: name, ...lengths, random_range_ratio: rangeRatio }
}

function deviceText({ device, arithmetic }: ThroughputReport): string {
  const { products, threads, instructionSet } = arithmetic
  const set = instructionSet === undefined ? '' : `, ${instructionSet}`
  return `${device}${set}, ${products}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`
}

function inputText({ dataset, prefixCaching }: ThroughputReport): string {
  const varied = dataset.rangeRatio === 0 ? '' : `, lengths ± ${percent(dataset.rangeRatio)}`
  const caching = prefixCaching ? '' : ', prefix sharing off'
  return `${withCommas(dataset.numRequests)} requests: ${requestText(dataset)}${varied}${caching}`
}

function requestText(dataset: Dataset): string {
  if (dataset.name === 'random') return `a text of ${withCommas(dataset.inputLen)} tokens each`
  const { queryLen, documentLen, documentsPerRequest } = dataset
  return `a query of ${withCommas(queryLen)} tokens and ${withCommas(documentsPerRequest)} documents of ${withCommas(documentLen)} each`
}

function tokensText({ runs }: ThroughputReport): string {
  const { promptTokens, computedTokens } = runs[0]!
  const shared = promptTokens - computedTokens
  return `${withCommas(promptTokens)} asked for, ${withCommas(computedTokens)} computed, ${withCommas(shared)} shared`
}

function speedText({ tokensPerSecond, computedTokensPerSecond, requestsPerSecond }: Figures): string {
  const shared = computedTokensPerSecond < tokensPerSecond
  const computed = shared ? ` (${rate(computedTokensPerSecond)} computed)` : ''
  return `${rate(tokensPerSecond)} tok/s${computed}, ${rate(requestsPerSecond)} requests/s`
}

function productsText({ arithmetic, peakGflops }: ThroughputReport, figures: Figures): string {
  const unit = arithmetic.products === 'int8' ? 'GOP/s' : 'GFLOP/s'
  const one = (value: number, share: number | undefined): string =>
    `${rate(value)} ${unit}${share === undefined ? '' : ` (${percent(share)} of peak)`}`
  const { linearGflops, linearShare, gflops, share } = figures
  const linears = linearGflops === undefined ? '' : `${one(linearGflops, linearShare)} in linears, `
  const peak = peakGflops === undefined ? '' : `; the peak is ${rate(peakGflops)}`
  return `${linears}${one(gflops, share)} over the whole run${peak}`
}

function timeRows({ linearTime, attentionTime }: Figures): [string, string][] {
  if (linearTime === undefined || attentionTime === undefined) return []
  const rest = 1 - linearTime - attentionTime
  return [['time', `linears ${percent(linearTime)}, attention ${percent(attentionTime)}, the rest ${percent(rest)}`]]
}

function memoryText({ memory: { peak, packedWeights } }: ThroughputReport): string {
  const packed = packedWeights === undefined ? '' : `, ${gigabytes(packedWeights)} of it packed weights`
  return `${gigabytes(peak)} resident at most${packed}`
}

/** Three digits at least: small rates matter on small machines. */
const rate = (value: number): string => withCommas(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)))

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`
