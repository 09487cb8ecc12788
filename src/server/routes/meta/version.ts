// The version of the server.

import type { Route } from '../../route.js'
import { jsonAnswer } from './answers.js'

export const version: Route = {
  methods: ['GET'],
  paths: ['/version'],
  name: 'version',
  summary: 'The version of qvl.',
  always: true,
  describe: {
    response: {
      type: 'object',
      properties: { version: { type: 'string' } },
      required: ['version'],
    },
  },
  handle: (_request, context) => ({
    ...jsonAnswer(200, { version: context.version }),
    // A qvl in front of replicas asks which of them understand its own additions.
    headers: { server: `qvl/${context.version}` },
  }),
}
