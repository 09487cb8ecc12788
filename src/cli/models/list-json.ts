// Cached models as JSON, in the spelling of the HTTP API.

import type { PackedForm } from '../../devices/cpu/packed-forms.js'
import type { DescribedCache, DescribedModel } from './cache.js'

export const listJson = ({ models, otherPacked }: DescribedCache) => ({
  models: models.map(modelJson),
  other_packed: otherPacked.map(packedJson),
})

const modelJson = ({ model, revisions }: DescribedModel) => ({
  id: model.id,
  source: model.source,
  folder: model.folder,
  bytes: model.bytes,
  unfinished_bytes: model.unfinishedBytes,
  revisions: revisions.map(({ revision, refs, dir, bytes, facts, packed }) => ({
    revision: revision ?? null,
    refs,
    dir,
    bytes,
    kind: facts.kind ?? null,
    vision: facts.vision,
    supported: facts.supported,
    reason: facts.reason,
    packed: packed.map(packedJson),
  })),
})

export const packedJson = ({ file, bytes, origin }: PackedForm) => ({ file, bytes, format: origin?.format ?? null })
