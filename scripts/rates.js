// What the comparing scripts share: measuring `qvl bench throughput`, taking turns, and printing medians and ratios.

import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { median } from '../dist/engine/throughput/figures.js'

const qvl = fileURLToPath(new URL('../bin/qvl.js', import.meta.url))

/** @typedef {{ numInputs: string, numTokens: string }} Inputs */

/** @param {string} text such as 64x200 @returns {Inputs} */
export function inputsOf(text) {
  const [numInputs = '', numTokens = ''] = text.split('x')
  return { numInputs, numTokens }
}

/**
 * Tokens per second of one run of random weights in the shape of a model.
 * @param {Inputs} inputs @param {{ shape: string, threads: string, scratch: string }} where @param {string[]} more
 */
export function qvlRate({ numInputs, numTokens }, { shape, threads, scratch }, more) {
  const report = join(scratch, 'report.json')
  const size = ['--num-prompts', numInputs, '--random-input-len', numTokens, '--threads', threads]
  const fixed = ['--dummy-weights', '-m', shape, '--num-runs', '1', '-q']
  run(process.execPath, [qvl, 'bench', 'throughput', ...fixed, ...size, ...more, '--output-json', report], scratch)
  const { tokens_per_second: rate } = JSON.parse(readFileSync(report, 'utf8'))
  rmSync(report)
  return rate
}

/**
 * All in turn, round by round, so that what else the machine does falls on all of them.
 * @param {Record<string, () => number>} contestants tokens per second of one run, by name
 * @param {number} numRounds
 * @param {readonly (readonly [string, string])[]} ratios
 */
export function compare(contestants, numRounds, ratios) {
  /** @type {Record<string, number[]>} */
  const rates = {}
  for (let round = 0; round < numRounds; round++) {
    for (const [name, measure] of Object.entries(contestants)) rates[name] = [...(rates[name] ?? []), measure()]
  }
  const medians = Object.fromEntries(Object.entries(rates).map(([name, all]) => [name, median(all)]))
  for (const [name, all] of Object.entries(rates)) {
    const runs = all.map((rate) => rate.toFixed(0)).join(', ')
    console.log(`  ${name.padEnd(22)} ${medians[name].toFixed(0).padStart(7)}   (${runs})`)
  }
  for (const [a, b] of ratios) console.log(`  ${a} / ${b}: ${(medians[a] / medians[b]).toFixed(2)}`)
}

/**
 * What the command prints. Ends this process when it fails.
 * @param {string} command @param {string[]} args @param {string} cwd
 */
export function run(command, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', cwd })
  if (status === 0) return stdout
  console.error(`${command} ${args.join(' ')}\n${error?.message ?? stderr}`)
  process.exit(1)
}
