// The cached models with what they are for and their packed forms, as the commands about models see them.

import { type CachedModel, type CachedRevision, listCachedModels } from '../../checkpoint/hub/cached-models.js'
import { parseHubId } from '../../checkpoint/hub/ref.js'
import type { CacheOptions } from '../../checkpoint/hub/settings.js'
import { listPackedForms, type PackedForm } from '../../devices/cpu/packed-forms.js'
import { type CheckpointFacts, describeCheckpoint } from '../../engine/describe-checkpoint.js'
import { QvlError } from '../../errors.js'
import { nearest } from '../nearest.js'

export interface DescribedRevision extends CachedRevision {
  facts: CheckpointFacts
  packed: readonly PackedForm[]
}

export interface DescribedModel {
  model: CachedModel
  revisions: readonly DescribedRevision[]
}

export interface DescribedCache {
  models: readonly DescribedModel[]
  /** Packed forms of checkpoints in other folders, or of models that are gone. */
  otherPacked: readonly PackedForm[]
}

export async function describeCache(options: CacheOptions): Promise<DescribedCache> {
  const env = options.env ?? process.env
  const [cached, forms] = await Promise.all([listCachedModels(options), listPackedForms(env)])
  const models: DescribedModel[] = []
  // One after the other: each reads tens of megabytes.
  for (const model of cached) models.push({ model, revisions: await describeRevisions(model, forms) })
  const used = new Set(models.flatMap(({ revisions }) => revisions.flatMap(({ packed }) => packed)))
  return { models, otherPacked: forms.filter((form) => !used.has(form)) }
}

async function describeRevisions(model: CachedModel, forms: readonly PackedForm[]): Promise<DescribedRevision[]> {
  const described: DescribedRevision[] = []
  for (const revision of model.revisions) {
    const facts = await describeCheckpoint(revision.dir, model.id)
    const isOfIt = ({ origin }: PackedForm): boolean =>
      facts.fingerprint !== undefined && origin?.fingerprint === facts.fingerprint
    described.push({ ...revision, facts, packed: forms.filter(isOfIt) })
  }
  return described
}

/** Those of these ids, in their order. Throws MODEL_REF_INVALID, MODEL_NOT_FOUND. */
export function modelsNamed({ models }: DescribedCache, ids: readonly string[]): DescribedModel[] {
  return ids.map((id) => {
    const found = models.find(({ model }) => model.id === id)
    if (found !== undefined) return found
    parseHubId(id)
    const near = nearest(
      id,
      models.map(({ model }) => model.id),
    )
    throw new QvlError('MODEL_NOT_FOUND', {
      what: `${id} is not in the cache.`,
      why: 'Nothing of it was fetched, or it is in another cache folder.',
      do: near === undefined ? 'See qvl models.' : `Did you mean ${near}?`,
      param: 'model',
    })
  })
}
