// `qvl bench serve`: how fast a server answers, whoever made it.

import { writeFile } from 'node:fs/promises'
import { type BenchOutcome, runBench } from '../bench/bench.js'
import { reportBlock } from '../bench/report/block.js'
import { detailLines } from '../bench/report/details.js'
import { reportPage } from '../bench/report/page.js'
import { type ResultFileOptions, resultFileName, resultJson } from '../bench/report/result-json.js'
import { exitCode, QvlError } from '../errors.js'
import { writing } from '../offline/file-errors.js'
import { type BenchServeSettings, withBenchDefaults } from './bench-serve-defaults.js'
import { checkOutputs, pagePath, resultPath, saveResult, wantsResult } from './bench-serve-files.js'
import { namespaceLine } from './bench-serve-namespace.js'
import { type BenchServePlan, benchServePlan } from './bench-serve-options.js'
import { watchRun } from './bench-serve-watch.js'
import type { Context } from './context.js'
import { printable } from './terminal.js'
import { writeTo } from './write-to.js'

/** Returns the exit code. */
export async function benchServe(context: Context): Promise<number> {
  const { operands, messages, progress, signal, interrupt, stdout } = context
  const settings = withBenchDefaults(context.settings)
  checkOperands(operands)
  const plan = benchServePlan(settings, process.env)
  await checkOutputs(settings)
  const print = (line: string): void => {
    progress.clear()
    stdout.write(`${printable(line)}\n`)
  }
  print(namespaceLine(settings))
  const watch = watchRun({ progress, isQuiet: settings['disable-tqdm'] })
  const outcome = await runBench(plan.bench, {
    print,
    warn: messages.warn,
    onDownload: (event) => progress.download(event),
    onRun(run) {
      interrupt.explain = 'stopping; the report is of what was done'
      watch.start(run)
    },
    signal,
  }).finally(watch.stop)
  await report(context, settings, plan, outcome)
  return exitCodeOf(outcome, settings['allow-failures'])
}

async function report(
  { stdout, messages }: Context,
  settings: BenchServeSettings,
  plan: BenchServePlan,
  outcome: BenchOutcome,
): Promise<void> {
  const { results, records, server } = outcome
  const { rate, maxConcurrency, goodput } = plan.bench
  const { percentileMetrics } = plan
  const { requestRate } = rate
  const hasTokenizer = outcome.tokenizerId !== undefined
  const block = reportBlock(results, { maxConcurrency, requestRate, hasTokenizer, percentileMetrics })
  const details = detailLines(results, { goodput, server, latencies: records.latencies(), maxConcurrency })
  await writeTo(stdout, block + printable(details))
  if (results.completed === 0 && results.failed > 0) {
    const cause = 'This is likely due to a misconfiguration on the benchmark arguments.'
    messages.warn(`All requests failed. ${cause}`)
  }
  await saveFiles(settings, outcome, fileOptions(settings, plan, outcome))
}

async function saveFiles(
  settings: BenchServeSettings,
  { results, records }: BenchOutcome,
  options: ResultFileOptions,
): Promise<void> {
  const file = resultPath(settings, resultFileName(options))
  if (wantsResult(settings)) await saveResult(settings, file, resultJson(results, records, options))
  const page = pagePath(settings, file)
  if (page === undefined) return
  const facts = [
    ['Model', options.modelId],
    ['Backend', options.backend],
    ['Dataset', settings['dataset-name']],
    ['Date', options.date.toISOString()],
  ] as const
  const title = options.label ?? `${options.backend}, ${options.modelId}`
  await writing(page, writeFile(page, reportPage(results, records, { title, facts })))
}

function fileOptions(
  settings: BenchServeSettings,
  { bench, percentileMetrics, metadata }: BenchServePlan,
  { date, modelId, tokenizerId, schedule }: BenchOutcome,
): ResultFileOptions {
  const { backend, rate, maxConcurrency } = bench
  return {
    ...{ date, backend, modelId, tokenizerId, schedule, metadata, rate, maxConcurrency, percentileMetrics },
    label: settings.label,
    numPrompts: settings['num-prompts'],
    detailed: settings['save-detailed'],
  }
}

function exitCodeOf({ results }: BenchOutcome, allowFailures: boolean): number {
  if (results.failed === 0 || allowFailures) return exitCode.ok
  return results.completed === 0 ? exitCode.failed : exitCode.someItemsFailed
}

function checkOperands([operand]: readonly string[]): void {
  if (operand === undefined) return
  throw new QvlError('USAGE', {
    what: `The argument ${operand} has no meaning here.`,
    why: 'What is sent comes from --dataset-name and --dataset-path.',
    do: 'Name the server with --base-url, or --host and --port.',
    param: operand,
  })
}
