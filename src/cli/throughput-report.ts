// The report of qvl bench throughput: as text for people, and as JSON with vLLM's names where it has one.

import { type Dataset, imageTokensOf, type RandomPairs } from '../engine/throughput/datasets.js'
import {
  type CostFigures,
  type Figures,
  figuresOf,
  type ProgramFigures,
  type TowerFigures,
} from '../engine/throughput/figures.js'
import type { ThroughputRun } from '../engine/throughput/measure-run.js'
import type { Work } from '../engine/throughput/meter.js'
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
    ...timeRow('time', median),
    ...towerRows(report, median),
    ...costRows(median),
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
    tower_peak_gflops: report.towerPeakGflops,
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
    runs: report.runs.map((run, index) => runJson(run, runs[index]!)),
  }
  return `${JSON.stringify(values, null, 2)}\n`
}

function runJson(run: ThroughputRun, { tower, ...figures }: Figures): Json {
  return {
    ...figuresJson(figures),
    ...workJson(run),
    ...(tower && run.tower && { tower: { ...towerJson(tower), ...workJson(run.tower) } }),
  }
}

const workJson = ({ flops, device }: Work): Json => ({
  linear_flops: flops.linear,
  attention_flops: flops.attention,
  linear_seconds: device?.linearSeconds,
  attention_seconds: device?.attentionSeconds,
  device_seconds: device?.totalSeconds,
})

/** Fields that are not there are left out of the JSON. */
type Json = { readonly [name: string]: Json | string | number | undefined }

const figuresJson = ({ tower, cost, ...figures }: Figures): Json => ({
  elapsed_time: figures.seconds,
  requests_per_second: figures.requestsPerSecond,
  tokens_per_second: figures.tokensPerSecond,
  computed_tokens_per_second: figures.computedTokensPerSecond,
  gflops: figures.gflops,
  share_of_peak: figures.share,
  ...programJson(figures),
  tower: tower && towerJson(tower),
  cost: cost && costJson(cost),
})

const programJson = (figures: ProgramFigures): Json => ({
  linear_gflops: figures.linearGflops,
  linear_share_of_peak: figures.linearShare,
  attention_gflops: figures.attentionGflops,
  attention_share_of_peak: figures.attentionShare,
  linear_share_of_time: figures.linearTime,
  attention_share_of_time: figures.attentionTime,
})

const towerJson = ({ secondsPerImage, ...figures }: TowerFigures): Json => ({
  seconds_per_image: secondsPerImage,
  ...programJson(figures),
})

const costJson = ({ ratio, documentsSeconds, imageSeconds }: CostFigures): Json => ({
  ratio,
  documents_seconds: documentsSeconds,
  image_seconds: imageSeconds,
})

/** Named after the flags. */
const datasetJson = (dataset: Dataset): Json => ({
  dataset_name: dataset.name,
  ...lengthsJson(dataset),
  random_range_ratio: dataset.rangeRatio,
})

function lengthsJson(dataset: Dataset): Json {
  const image = { random_mm_image_tokens: imageTokensOf(dataset) }
  switch (dataset.name) {
    case 'random':
      return { random_input_len: dataset.inputLen }
    case 'random-mm':
      return {
        random_input_len: dataset.inputLen,
        random_mm_base_items_per_request: dataset.imagesPerRequest,
        ...image,
      }
    case 'random-rerank':
      return {
        random_query_len: dataset.queryLen,
        random_document_len: dataset.documentLen,
        random_batch_size: dataset.documentsPerRequest,
        ...image,
      }
    default:
      return dataset satisfies never
  }
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
  switch (dataset.name) {
    case 'random':
      return `a text of ${withCommas(dataset.inputLen)} tokens each`
    case 'random-mm': {
      const { imagesPerRequest: count, imageTokens, inputLen } = dataset
      const images =
        count === 1 ? `an image of ${tokensOf(imageTokens)}` : `${count} images of ${tokensOf(imageTokens)}`
      return `${images} and a text of ${withCommas(inputLen)} each`
    }
    case 'random-rerank': {
      const { imageTokens, queryLen } = dataset
      const image = imageTokens === undefined ? '' : `an image of ${tokensOf(imageTokens)} and `
      return `a query of ${image}${tokensOf(queryLen)} and ${documentsText(dataset)}`
    }
    default:
      return dataset satisfies never
  }
}

const documentsText = ({ documentsPerRequest, documentLen }: RandomPairs): string =>
  `${withCommas(documentsPerRequest)} documents of ${withCommas(documentLen)} each`

const tokensOf = (count: number): string => `${withCommas(count)} tokens`

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
  const unit = unitOf(arithmetic.products)
  const whole = `${shareText(figures.gflops, figures.share, unit)} over the whole run`
  const peak = peakGflops === undefined ? '' : `; the peak is ${rate(peakGflops)}`
  return `${[...insideTexts(figures, unit), whole].join(', ')}${peak}`
}

function insideTexts(
  { linearGflops, linearShare, attentionGflops, attentionShare }: ProgramFigures,
  unit: string,
): string[] {
  return [
    ...(linearGflops === undefined ? [] : [`${shareText(linearGflops, linearShare, unit)} in linears`]),
    ...(attentionGflops === undefined ? [] : [`${shareText(attentionGflops, attentionShare, unit)} in attention`]),
  ]
}

const unitOf = (products: ThroughputReport['arithmetic']['products']): string =>
  products === 'int8' ? 'GOP/s' : 'GFLOP/s'

const shareText = (value: number, share: number | undefined, unit: string): string =>
  `${rate(value)} ${unit}${share === undefined ? '' : ` (${percent(share)} of peak)`}`

function timeRow(label: string, { linearTime, attentionTime }: ProgramFigures): [string, string][] {
  if (linearTime === undefined || attentionTime === undefined) return []
  const rest = 1 - linearTime - attentionTime
  return [[label, `linears ${percent(linearTime)}, attention ${percent(attentionTime)}, the rest ${percent(rest)}`]]
}

/** The tower never computes in int8. */
function towerRows({ towerPeakGflops }: ThroughputReport, { tower }: Figures): [string, string][] {
  if (tower === undefined) return []
  const peak = towerPeakGflops === undefined ? '' : `; the peak is ${rate(towerPeakGflops)}`
  const { secondsPerImage: seconds } = tower
  const time = seconds === undefined ? [] : [`${seconds.toFixed(2)} s for an image`]
  const parts = [...time, ...insideTexts(tower, unitOf('bfloat16'))]
  return [['tower', `${parts.join(', ')}${peak}`], ...timeRow('  time', tower)]
}

function costRows({ cost }: Figures): [string, string][] {
  if (cost === undefined) return []
  const { ratio, documentsSeconds, imageSeconds } = cost
  const parts = `the documents with a query of text (${documentsSeconds.toFixed(2)} s) and the images alone (${imageSeconds.toFixed(2)} s)`
  return [['cost', `${ratio.toFixed(3)} times ${parts}`]]
}

function memoryText({ memory: { peak, packedWeights } }: ThroughputReport): string {
  const packed = packedWeights === undefined ? '' : `, ${gigabytes(packedWeights)} of it packed weights`
  return `${gigabytes(peak)} resident at most${packed}`
}

/** Three digits at least: small rates matter on small machines. */
const rate = (value: number): string => withCommas(value >= 100 ? Math.round(value) : Number(value.toPrecision(3)))

const percent = (part: number): string => `${(100 * part).toFixed(1)} %`

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`
