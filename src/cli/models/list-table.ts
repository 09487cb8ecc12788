// Cached models as a table for people.

import type { PackedForm } from '../../devices/cpu/packed-forms.js'
import { paint } from '../terminal.js'
import type { DescribedCache, DescribedRevision } from './cache.js'
import { fileSizeText } from './sizes.js'

const header = ['model', 'revision', 'size', 'kind', 'packed'] as const

export function listTable({ models, otherPacked }: DescribedCache, folders: readonly string[], color: boolean): string {
  const rows = models.flatMap(({ model, revisions }) =>
    revisions.length === 0
      ? [[model.id, '-', fileSizeText(model.bytes), 'nothing whole yet', '-']]
      : revisions.map((one) => [
          model.id,
          revisionText(one),
          fileSizeText(one.bytes),
          kindText(one),
          packedText(one.packed),
        ]),
  )
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 2 ? cell.padStart(widths[2]!) : cell.padEnd(widths[column]!)))
      .join('  ')
      .trimEnd()
  const blocks: string[] = []
  if (rows.length > 0) blocks.push([paint(line(header), 'bold', color), ...rows.map(line)].join('\n'))
  const unfit = models.flatMap(({ model, revisions }) =>
    revisions.filter(({ facts }) => !facts.supported).map(({ facts }) => `${model.id}: ${facts.reason}`),
  )
  if (unfit.length > 0) blocks.push(['Not to be run:', ...unfit.map((text) => `  ${text}`)].join('\n'))
  blocks.push(summary({ models, otherPacked }, folders).join('\n'))
  return `${blocks.join('\n\n')}\n`
}

function summary({ models, otherPacked }: DescribedCache, folders: readonly string[]): string[] {
  const total = models.reduce((sum, { model }) => sum + model.bytes, 0)
  const unfinished = models.reduce((sum, { model }) => sum + model.unfinishedBytes, 0)
  const count = models.length === 1 ? '1 model' : `${models.length} models`
  const lines = [`${count}, ${fileSizeText(total)}, in ${folders.join(' and ')}.`]
  if (models.length === 0) lines.push('Fetch one with: qvl models pull Qwen/Qwen3-VL-Reranker-2B')
  if (unfinished > 0)
    lines.push(`Of these, ${fileSizeText(unfinished)} are unfinished downloads; qvl models pull goes on with them.`)
  if (otherPacked.length > 0) lines.push(`Packed forms of other checkpoints: ${packedText(otherPacked)}.`)
  return lines
}

function revisionText({ revision, refs }: DescribedRevision): string {
  const commit = /^[0-9a-f]{40}$/.test(revision ?? '') ? revision!.slice(0, 8) : revision
  return [...refs, ...(commit === undefined ? [] : [commit])].join(' ') || '-'
}

function kindText({ facts }: DescribedRevision): string {
  if (!facts.supported || facts.kind === undefined) return 'not supported'
  return facts.vision ? `${facts.kind}, vision` : facts.kind
}

/** By number format; a model with a vision tower has two files of one. */
function packedText(forms: readonly PackedForm[]): string {
  const sizes = new Map<string, number>()
  for (const { origin, bytes } of forms) {
    const format = origin?.format ?? 'unknown'
    sizes.set(format, (sizes.get(format) ?? 0) + bytes)
  }
  return [...sizes].map(([format, bytes]) => `${format} ${fileSizeText(bytes)}`).join(', ') || '-'
}
