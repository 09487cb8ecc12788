// Which refusals a route may answer with.

import type { Route } from '../route.js'
import type { OperationResponse } from './document.js'

const error = (description: string): OperationResponse => ({
  description,
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
})

const unauthorized: OperationResponse = {
  description: 'The API key is missing or wrong.',
  content: {
    'application/json': { schema: { type: 'object', properties: { error: { const: 'Unauthorized' } } } },
  },
}

export function errorResponses(route: Route): Record<string, OperationResponse> {
  const responses: Record<string, OperationResponse> = {}
  if (route.open !== true) responses[401] = unauthorized
  if (route.describe?.request !== undefined) {
    responses[400] = error('Something is wrong with the request; `param` names the field.')
    responses[404] = error('`model` names a model that is not served.')
    responses[413] = error('The body, or a list in it, is too long.')
    responses[415] = error('The body is compressed.')
  }
  if (route.works === true) {
    responses[408] = error('The body took too long to arrive.')
    responses[429] = error('The queue is full; `Retry-After` says when to come again.')
    responses[500] = error('The server failed.')
  }
  if (route.always !== true) {
    responses[503] = error('The model is not loaded yet, the server is leaving, or the time for an answer is over.')
  }
  return responses
}
