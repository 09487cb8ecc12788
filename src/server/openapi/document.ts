// The route table as an OpenAPI 3.1 document.

import type { JsonSchema } from '../../api/schema/json-schema.js'
import { errorSchema } from '../../api/schema/server-schema.js'
import type { Route } from '../route.js'
import { errorResponses } from './responses.js'
import { hoistDefinitions } from './schemas.js'

export interface OpenApiDocument {
  openapi: string
  info: { title: string; version: string; description: string; license: { name: string; identifier: string } }
  tags: readonly Tag[]
  paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  components: { schemas: Readonly<Record<string, JsonSchema>>; securitySchemes: object }
}

export interface Tag {
  name: string
  description: string
}

export interface Operation {
  operationId: string
  summary: string
  description?: string
  tags: readonly string[]
  security: readonly object[]
  parameters?: readonly object[]
  requestBody?: { required: true; content: Readonly<Record<string, MediaType>> }
  responses: Readonly<Record<string, OperationResponse>>
}

export interface MediaType {
  schema?: JsonSchema
  example?: unknown
}

export interface OperationResponse {
  description: string
  content?: Readonly<Record<string, MediaType>>
}

/** The schemas of all routes under one roof; operations refer to them. */
type Schemas = Record<string, JsonSchema>

const modelTag: Tag = { name: 'model', description: 'What the model computes.' }
const serverTag: Tag = { name: 'server', description: 'What the server says of itself.' }

export function openApiDocument(routes: readonly Route[], version: string): OpenApiDocument {
  const schemas: Schemas = { Error: errorSchema }
  const paths: Record<string, Record<string, Operation>> = {}
  for (const route of routes) {
    for (const path of route.paths) {
      const methods = route.methods.map((method) => [method.toLowerCase(), operation(route, { method, path, schemas })])
      paths[path] = { ...paths[path], ...Object.fromEntries(methods) }
    }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'qvl',
      version,
      description:
        'Qwen3-VL and Qwen3 embedding and reranking models over the routes of vLLM, OpenAI, Cohere and Jina.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: [modelTag, serverTag],
    paths,
    components: { schemas, securitySchemes: { apiKey: { type: 'http', scheme: 'bearer' } } },
  }
}

interface Place {
  method: string
  path: string
  schemas: Schemas
}

function operation(route: Route, { method, path, schemas }: Place): Operation {
  const { name, summary, describe, works, open, paths, methods } = route
  const first = paths[0] === path && methods[0] === method
  const made: Operation = {
    operationId: first ? name : `${name}_${method.toLowerCase()}${path.replace(/\W+/g, '_')}`,
    summary,
    tags: [works === true ? modelTag.name : serverTag.name],
    // With an empty object among them, a key is optional: a server may have none.
    security: open === true ? [] : [{ apiKey: [] }, {}],
    responses: {
      200: answer(describe?.response && hoistDefinitions(describe.response, schemas)),
      ...errorResponses(route),
    },
  }
  if (!first) made.description = `The same as ${methods[0]} ${paths[0]}.`
  if (works === true) made.parameters = [requestId]
  if (describe?.request !== undefined) {
    const schema = hoistDefinitions(describe.request, schemas)
    const example = describe.example === undefined ? {} : { example: describe.example }
    made.requestBody = { required: true, content: { 'application/json': { schema, ...example } } }
  }
  return made
}

const answer = (schema: JsonSchema | undefined): OperationResponse =>
  schema === undefined
    ? { description: 'The answer.' }
    : { description: 'The answer.', content: { 'application/json': { schema } } }

const requestId = {
  name: 'X-Request-Id',
  in: 'header',
  required: false,
  description: 'Becomes the end of the answer’s `id`, and stands in the log.',
  schema: { type: 'string' },
}
