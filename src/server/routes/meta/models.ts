// The served model under each of its names.

import { derivedId } from '../../../api/answer.js'
import { renderModels } from '../../../api/models.js'
import { modelsSchema } from '../../../api/schema/server-schema.js'
import type { Route } from '../../route.js'

export const models: Route = {
  methods: ['GET'],
  paths: ['/v1/models'],
  name: 'models',
  summary: 'The served model, once for each of its names.',
  describe: modelsSchema,
  handle: (_request, { servedModelNames, created, engine }) => ({
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: renderModels({
      names: servedModelNames,
      created,
      root: engine.model.id,
      maxModelLen: engine.model.maxModelLen,
      // The same at each call, so that the answer can be compared and cached.
      permissionId: derivedId(`${created} ${servedModelNames.join(' ')}`),
    }),
  }),
}
