import { describe, expect, it } from 'vitest'
import { openApiDocument } from '#qvl/server/openapi/document.js'
import { hoistDefinitions } from '#qvl/server/openapi/schemas.js'
import type { Route } from '#qvl/server/route.js'
import { routeTable } from '#qvl/server/routes.js'

/** As the documentation describes it: without its own script and style. */
const routes = routeTable({ documentation: true }).filter(({ name }) => !name.startsWith('docs_'))

const handle = (): { status: number; body: string } => ({ status: 200, body: '' })

const rank: Route = {
  methods: ['POST', 'PUT'],
  paths: ['/v1/rerank', '/rerank'],
  name: 'rerank',
  summary: 'Rank documents.',
  works: true,
  describe: {
    request: {
      type: 'object',
      properties: {
        query: { $ref: '#/$defs/Content' },
        documents: { type: 'array', items: { $ref: '#/$defs/Content' } },
      },
      $defs: {
        Content: { anyOf: [{ type: 'string' }, { type: 'array', items: { $ref: '#/$defs/Part' } }] },
        Part: { type: 'object' },
      },
    },
    response: { type: 'object', properties: { id: { type: 'string' } } },
    example: { query: 'q', documents: ['a'] },
  },
  handle,
}
const alive: Route = {
  methods: ['GET'],
  paths: ['/health'],
  name: 'health',
  summary: 'Alive?',
  open: true,
  always: true,
  handle,
}

function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : references(inner)))
}

const resolve = (document: unknown, reference: string): unknown =>
  reference
    .replace(/^#\//, '')
    .split('/')
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document)

describe('a document of a small table', () => {
  const document = openApiDocument([rank, alive], '1.2.3')

  it('has every path with every method', () => {
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${method} ${path} ${operationId}`),
    )
    expect(operations).toEqual([
      'post /v1/rerank rerank',
      'put /v1/rerank rerank_put_v1_rerank',
      'post /rerank rerank_post_rerank',
      'put /rerank rerank_put_rerank',
      'get /health health',
    ])
  })

  it('describes the request with its example', () => {
    const content = document.paths['/v1/rerank']?.post?.requestBody?.content['application/json']
    expect(content).toEqual({
      schema: {
        type: 'object',
        properties: {
          query: { $ref: '#/components/schemas/Content' },
          documents: { type: 'array', items: { $ref: '#/components/schemas/Content' } },
        },
      },
      example: { query: 'q', documents: ['a'] },
    })
    expect(document.components.schemas.Content).toEqual({
      anyOf: [{ type: 'string' }, { type: 'array', items: { $ref: '#/components/schemas/Part' } }],
    })
  })

  it('names the refusals that each can answer with', () => {
    expect(Object.keys(document.paths['/v1/rerank']?.post?.responses ?? {})).toEqual([
      '200',
      '400',
      '401',
      '404',
      '408',
      '413',
      '415',
      '429',
      '500',
      '503',
    ])
    expect(Object.keys(document.paths['/health']?.get?.responses ?? {})).toEqual(['200'])
    expect(document.paths['/health']?.get?.security).toEqual([])
  })

  it('does not change the schemas of the table', () => {
    const before = structuredClone(rank.describe?.request ?? {})
    hoistDefinitions(rank.describe?.request ?? {}, {})
    expect(rank.describe?.request).toEqual(before)
  })
})

describe('the document of the whole table', () => {
  const document = openApiDocument(routes, '1.2.3')
  const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods))

  it('covers the table', () => {
    expect(Object.keys(document.paths).sort()).toEqual([...new Set(routes.flatMap(({ paths }) => paths))].sort())
    expect(operations.length).toBeGreaterThan(20)
  })

  it('gives each operation a name of its own', () => {
    const names = operations.map(({ operationId }) => operationId)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it('has no reference that leads nowhere', () => {
    const broken = references(document).filter((reference) => resolve(document, reference) === undefined)
    expect(broken).toEqual([])
  })

  it('gives every work route a schema and an example of its fields', () => {
    for (const { name, describe: described } of routes.filter(({ works }) => works === true)) {
      expect(described?.request, name).toBeDefined()
      expect(described?.response, name).toBeDefined()
      expect(described?.example, name).toBeDefined()
    }
  })

  it('is JSON', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document)
  })
})
