// `qvl models remove`: takes models out of the cache, with their packed forms.

import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { removeCached, revisionNamed } from '../../checkpoint/hub/remove-cached.js'
import { type PackedForm, removePackedForm } from '../../devices/cpu/packed-forms.js'
import { exitCode, QvlError } from '../../errors.js'
import type { Context } from '../context.js'
import { writeTo } from '../write-to.js'
import { type DescribedModel, type DescribedRevision, describeCache, modelsNamed } from './cache.js'
import { requireIds } from './ids.js'
import { fileSizeText } from './sizes.js'

interface Removal {
  described: DescribedModel
  /** Undefined: all of them. */
  revision: DescribedRevision | undefined
  packed: readonly PackedForm[]
  /** What is listed of it; files that other revisions share stay. */
  bytes: number
}

/** Returns the exit code. Throws USAGE, MODEL_NOT_FOUND, MODEL_BUSY, OUTPUT_UNWRITABLE. */
export async function modelsRemove(context: Context): Promise<number> {
  const { settings, stdout } = context
  const ids = [...new Set(requireIds(context))]
  const cache = await describeCache({ downloadDir: settings['download-dir'] })
  const removals = modelsNamed(cache, ids).map((described) => removalOf(described, settings.revision))
  if (!settings.yes && !(await isConfirmed(context, removals))) return exitCode.failed
  for (const removal of removals) {
    await removeCached(removal.described.model, removal.revision)
    for (const form of removal.packed) await removePackedForm(form)
    await writeTo(stdout, settings.json ? `${JSON.stringify(removalJson(removal))}\n` : `removed ${textOf(removal)}\n`)
  }
  return exitCode.ok
}

function removalOf(described: DescribedModel, name: string | undefined): Removal {
  const { model, revisions } = described
  const cached = name === undefined ? undefined : revisionNamed(model, name)
  const revision = revisions.find(({ dir }) => dir === cached?.dir)
  // The same checkpoint may be at two commits, with one packed form for both.
  const staying = revision === undefined ? [] : revisions.filter((one) => one !== revision)
  const kept = new Set(staying.flatMap(({ packed }) => packed))
  const packed = new Set((revision === undefined ? revisions : [revision]).flatMap((one) => one.packed))
  return {
    described,
    revision,
    packed: [...packed].filter((form) => !kept.has(form)),
    bytes: revision?.bytes ?? model.bytes,
  }
}

/** Throws USAGE where nobody can be asked. */
async function isConfirmed({ stdin, stderr, terminal, messages, signal }: Context, removals: readonly Removal[]) {
  if (!terminal.stdin.isTty || !terminal.stderr.isTty) {
    throw new QvlError('USAGE', {
      what: 'Nothing was removed, because nobody was asked.',
      why: 'Without a terminal there is no question.',
      do: 'Add --yes.',
      param: '--yes',
    })
  }
  for (const removal of removals) stderr.write(`${textOf(removal)}\n`)
  // Not as an editor of lines, which would take Ctrl-C for itself.
  const lines = createInterface({ input: stdin, output: stderr, terminal: false })
  try {
    // Ctrl-D ends the input without an answer.
    const ended = once(lines, 'close').then(() => '')
    const answer = await Promise.race([lines.question('Remove this? [y/N] ', { signal }), ended])
    if (/^y(es)?$/i.test(answer.trim())) return true
    messages.note('Nothing was removed.')
    return false
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    lines.close()
  }
}

function textOf({ described: { model }, revision, packed, bytes }: Removal): string {
  const name = revision === undefined ? model.id : `${model.id} at ${revision.revision?.slice(0, 8) ?? revision.dir}`
  const packedBytes = packed.reduce((sum, form) => sum + form.bytes, 0)
  return `${name}, ${fileSizeText(bytes)}${packedBytes > 0 ? `, and packed forms, ${fileSizeText(packedBytes)}` : ''}`
}

const removalJson = ({ described: { model }, revision, packed, bytes }: Removal) => ({
  id: model.id,
  revision: revision?.revision ?? null,
  bytes,
  packed_bytes: packed.reduce((sum, form) => sum + form.bytes, 0),
})
