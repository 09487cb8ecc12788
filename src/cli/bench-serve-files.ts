// The files of a benchmark: the result as JSON, and the page of charts.

import { access, constants, mkdir, open, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { writing } from '../offline/file-errors.js'
import type { BenchServeSettings } from './bench-serve-defaults.js'

/** Makes the folders and sees that they can be written, before a run of minutes. Throws OUTPUT_UNWRITABLE. */
export async function checkOutputs(settings: BenchServeSettings): Promise<void> {
  const { 'result-dir': dir, plot } = settings
  if (dir !== undefined && wantsResult(settings)) await writing(dir, mkdir(dir, { recursive: true }))
  const folders = [
    ...(wantsResult(settings) ? [path.dirname(resultPath(settings, 'result.json'))] : []),
    ...(plot === undefined ? [] : [path.dirname(plot)]),
  ]
  for (const folder of folders) await writing(folder, access(folder, constants.W_OK))
}

export const wantsResult = (settings: BenchServeSettings): boolean =>
  settings['save-result'] || settings['append-result']

/** `name` unless --result-filename says otherwise. */
export const resultPath = (settings: BenchServeSettings, name: string): string =>
  path.join(settings['result-dir'] ?? '', settings['result-filename'] ?? name)

/** Throws OUTPUT_UNWRITABLE. */
export async function saveResult(settings: BenchServeSettings, file: string, json: string): Promise<void> {
  await writing(file, settings['append-result'] ? append(file, json) : writeFile(file, json))
}

/** Where the page goes: --plot names it, --plot-timeline puts it beside the result. */
export function pagePath(settings: BenchServeSettings, resultFile: string): string | undefined {
  if (settings.plot !== undefined) return settings.plot
  return settings['plot-timeline'] ? resultFile.replace(/(\.json)?$/, '.timeline.html') : undefined
}

/** Objects are one to a line, and the last line has no end, as vLLM leaves it. */
async function append(file: string, json: string): Promise<void> {
  await using handle = await open(file, 'a')
  const { size } = await handle.stat()
  await handle.appendFile(size === 0 ? json : `\n${json}`)
}
