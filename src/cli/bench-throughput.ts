// `qvl bench throughput`: how fast this machine computes a model.

import { access, constants, writeFile } from 'node:fs/promises'
import path from 'node:path'
import type { Dataset } from '../engine/throughput/datasets.js'
import { measureThroughput } from '../engine/throughput/throughput.js'
import { exitCode, QvlError } from '../errors.js'
import { writing } from '../offline/file-errors.js'
import type { Context } from './context.js'
import { engineOptions } from './engine-options.js'
import { tokenRate } from './progress-text.js'
import { readRangeRatio } from './range-ratio.js'
import type { Settings } from './settings.js'
import { throughputJson, throughputText } from './throughput-report.js'
import { writeTo } from './write-to.js'

/** Defaults that make a run of some seconds with a small model on a few cores. */
const defaults = {
  inputLen: 200,
  texts: 64,
  queries: 8,
  documentsPerRequest: 20,
  imageRequests: 2,
  imageQueries: 1,
  imageTokens: 1280,
  imagesPerRequest: 1,
  warmups: 1,
  runs: 3,
} as const

/** Returns the exit code. */
export async function benchThroughput(context: Context): Promise<number> {
  const { settings, operands, messages, progress, signal, interrupt, stdout } = context
  const file = settings['output-json']
  checkOperands(operands)
  checkModel(settings)
  if (file !== undefined) await writing(file, access(path.dirname(file), constants.W_OK))
  const options = await engineOptions(settings, 'bench throughput', messages)
  interrupt.explain = 'stopping after the batch that is being computed'
  messages.detail(`loading ${options.model} on ${options.device}, twice`)
  let numRuns = 0
  const report = await measureThroughput({
    ...options,
    dummyWeights: settings['dummy-weights'],
    dataset: datasetOf(settings),
    seed: settings.seed ?? 0,
    numWarmups: settings['num-warmups'] ?? defaults.warmups,
    numRuns: settings['num-runs'] ?? defaults.runs,
    signal,
    warn: messages.warn,
    onDownload: (event) => progress.download(event),
    onRun: ({ seconds, promptTokens }) => messages.note(`run ${++numRuns}: ${tokenRate(promptTokens, 1000 * seconds)}`),
  })
  await writeTo(stdout, throughputText(report))
  if (file !== undefined) await writing(file, writeFile(file, throughputJson(report)))
  return exitCode.ok
}

function datasetOf(settings: Settings): Dataset {
  const inputLen = settings['random-input-len'] ?? defaults.inputLen
  const imageTokens = settings['random-mm-image-tokens']
  const { input: rangeRatio } = readRangeRatio(settings['random-range-ratio'])
  const requests = (count: number) => ({ numRequests: settings['num-prompts'] ?? count, rangeRatio })
  const name = settings['dataset-name']
  if (name === 'random-rerank') {
    const count = imageTokens === undefined ? defaults.queries : defaults.imageQueries
    return { name, ...requests(count), ...pairLengths(settings, inputLen), imageTokens }
  }
  if (name !== 'random-mm') return { name: 'random', ...requests(defaults.texts), inputLen }
  return {
    name,
    ...requests(defaults.imageRequests),
    inputLen,
    imagesPerRequest: settings['random-mm-base-items-per-request'] ?? defaults.imagesPerRequest,
    imageTokens: imageTokens ?? defaults.imageTokens,
  }
}

/** vLLM splits the input of a pair into query and document, less one separator each. */
function pairLengths(
  settings: Settings,
  inputLen: number,
): { queryLen: number; documentLen: number; documentsPerRequest: number } {
  const queryLen = settings['random-query-len'] ?? Math.max(1, Math.floor(inputLen / 2) - 1)
  return {
    queryLen,
    documentLen: settings['random-document-len'] ?? Math.max(1, inputLen - queryLen - 1),
    documentsPerRequest: settings['random-batch-size'] ?? defaults.documentsPerRequest,
  }
}

function checkOperands([operand]: readonly string[]): void {
  if (operand === undefined) return
  throw new QvlError('USAGE', {
    what: `The argument ${operand} has no meaning here.`,
    why: 'The inputs are random token ids.',
    do: 'Name a model with --model.',
    param: operand,
  })
}

function checkModel({ model, 'dummy-weights': dummyWeights }: Settings): void {
  if (model !== undefined || !dummyWeights) return
  throw new QvlError('USAGE', {
    what: '--dummy-weights needs --model.',
    why: 'The shape of the model comes from its config.json.',
    do: 'Name a config.json, or a folder that has one.',
    param: '--model',
  })
}
