// `qvl models verify`: whether the cached files are those that the hub described.

import { revisionNamed } from '../../checkpoint/hub/remove-cached.js'
import { type Verification, verifyCached } from '../../checkpoint/hub/verify-cached.js'
import { packedFault } from '../../devices/cpu/packed-forms.js'
import { exitCode } from '../../errors.js'
import type { Context } from '../context.js'
import { writeTo } from '../write-to.js'
import { type DescribedModel, type DescribedRevision, describeCache, modelsNamed } from './cache.js'

interface Verdict extends Verification {
  id: string
  revision: string | undefined
}

/** Returns the exit code, which is 3 when something is damaged. Throws USAGE, MODEL_NOT_FOUND. */
export async function modelsVerify(context: Context): Promise<number> {
  const { settings, operands, stdout, messages, signal } = context
  const cache = await describeCache({ downloadDir: settings['download-dir'] })
  const chosen = operands.length === 0 ? cache.models : modelsNamed(cache, operands)
  let isSound = true
  for (const described of chosen) {
    for (const revision of wantedRevisions(described, settings.revision)) {
      const verdict = await verify(described, revision, context)
      isSound &&= verdict.problems.length === 0
      await writeTo(stdout, settings.json ? `${JSON.stringify(verdictJson(verdict))}\n` : verdictText(verdict))
    }
  }
  signal.throwIfAborted()
  if (chosen.length === 0) messages.note('There are no models in the cache.')
  return isSound ? exitCode.ok : exitCode.checkpoint
}

const wantedRevisions = (
  { model, revisions }: DescribedModel,
  name: string | undefined,
): readonly DescribedRevision[] =>
  name === undefined ? revisions : revisions.filter(({ dir }) => dir === revisionNamed(model, name).dir)

async function verify(
  { model }: DescribedModel,
  revision: DescribedRevision,
  { signal, messages }: Context,
): Promise<Verdict> {
  const onFile = (file: string): void => messages.detail(`Reading ${model.id}/${file}.`)
  const verification = await verifyCached(model, revision, { signal, onFile })
  const faults = await Promise.all(
    revision.packed.map(async (form) => ({ file: form.file, what: await packedFault(form) })),
  )
  const problems = [
    ...verification.problems,
    ...faults.flatMap(({ file, what }) => (what === undefined ? [] : [{ file, what }])),
  ]
  return { ...verification, problems, id: model.id, revision: revision.revision }
}

function verdictText({ id, revision, numFiles, numHashed, problems }: Verdict): string {
  const name = revision === undefined ? id : `${id} ${revision.slice(0, 8)}`
  if (problems.length === 0) return `${name}: sound, ${numFiles} files, ${numHashed} of them by their hash\n`
  const lines = problems.map(({ file, what }) => `  ${file}: ${what}`)
  return `${[`${name}: damaged`, ...lines, `  To fetch it again: ${remedy(id)}`].join('\n')}\n`
}

const remedy = (id: string): string => `qvl models remove ${id} --yes && qvl models pull ${id}`

const verdictJson = ({ id, revision, numFiles, numHashed, problems }: Verdict) => ({
  id,
  revision: revision ?? null,
  sound: problems.length === 0,
  num_files: numFiles,
  num_hashed: numHashed,
  problems,
})
