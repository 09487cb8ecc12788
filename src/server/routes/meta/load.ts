// How many work requests are being answered, for routers that pick the least busy server.

import type { Route } from '../../route.js'
import { jsonAnswer } from './answers.js'

/** vLLM counts only with --enable-server-load-tracking; here counting is free. */
export const load: Route = {
  methods: ['GET'],
  paths: ['/load'],
  name: 'load',
  summary: 'How many work requests are being answered.',
  always: true,
  describe: {
    response: { type: 'object', properties: { server_load: { type: 'integer' } }, required: ['server_load'] },
  },
  handle: (_request, { numInFlight }) => jsonAnswer(200, { server_load: numInFlight }),
}
