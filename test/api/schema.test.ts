// The schemas of /openapi.json against the parsers: each names exactly the fields that the parser of its endpoint reads.

import { describe, expect, it } from 'vitest'
import { parseClassify } from '#qvl/api/classify.js'
import { parseCohereEmbed } from '#qvl/api/cohere-embed.js'
import { parseEnvelope } from '#qvl/api/envelope.js'
import { parseInvocation } from '#qvl/api/invocations.js'
import { parseEmbeddings } from '#qvl/api/openai-embeddings.js'
import { parsePooling } from '#qvl/api/pooling.js'
import { parseRerank } from '#qvl/api/rerank.js'
import type { EndpointSchema, JsonSchema } from '#qvl/api/schema/json-schema.js'
import { cohereEmbedSchema, teiEmbedSchema } from '#qvl/api/schema/other-embed-schema.js'
import { rerankSchema, scoreSchema } from '#qvl/api/schema/pair-schema.js'
import { classifySchema, embeddingsSchema, poolingSchema } from '#qvl/api/schema/prompt-schema.js'
import { errorSchema, invocationsSchema, modelsSchema } from '#qvl/api/schema/server-schema.js'
import { detokenizeSchema, tokenizeSchema } from '#qvl/api/schema/token-schema.js'
import { parseScore } from '#qvl/api/score.js'
import { parseTeiEmbed } from '#qvl/api/tei-embed.js'
import { parseDetokenize, parseTokenize } from '#qvl/api/tokenize.js'

/** Made by a client's own model. */
const tensors = ['prompt_embeds', 'image_embeds', 'multi_modal_data']

interface Endpoint {
  schema: EndpointSchema
  parse: (body: object, settings: object) => unknown
  /** Bodies that together make the parser read every field. */
  bodies: readonly object[]
  /** Fields that are read only to be refused. */
  refused?: readonly string[]
}

const messages = [{ role: 'user', content: 'a' }]
const templated = { messages: [...messages, ...messages] }

const endpoints: Readonly<Record<string, Endpoint>> = {
  embeddings: {
    schema: embeddingsSchema,
    parse: (body, settings) => parseEmbeddings(body, 'body', settings),
    bodies: [{ input: 'a' }, templated],
    refused: ['normalize', ...tensors],
  },
  classify: {
    schema: classifySchema,
    parse: (body, settings) => parseClassify(body, 'body', settings),
    bodies: [{ input: 'a' }, templated],
    refused: ['normalize', 'dimensions', ...tensors],
  },
  pooling: {
    schema: poolingSchema,
    parse: (body, settings) => parsePooling(body, 'body', settings),
    bodies: [{ input: 'a' }, templated],
    refused: ['normalize', 'dimensions', ...tensors],
  },
  rerank: {
    schema: rerankSchema,
    parse: (body, settings) => parseRerank(body, 'body', settings),
    bodies: [
      { query: 'q', documents: 'a' },
      { query: 'q', texts: ['a'] },
    ],
    refused: ['dimensions', 'chat_template', ...tensors],
  },
  score: {
    schema: scoreSchema,
    parse: (body, settings) => parseScore(body, 'body', settings),
    bodies: [
      { queries: 'q', documents: 'a' },
      { queries: 'q', items: 'a' },
      { data_1: 'q', data_2: 'a' },
      { text_1: 'q', text_2: 'a' },
    ],
    refused: ['dimensions', 'chat_template', ...tensors],
  },
  cohereEmbed: {
    schema: cohereEmbedSchema,
    parse: (body, settings) => parseCohereEmbed(body, 'body', settings),
    bodies: [{ texts: ['a'] }],
  },
  teiEmbed: {
    schema: teiEmbedSchema,
    parse: (body, settings) => parseTeiEmbed(body, 'body', settings),
    bodies: [{ inputs: 'a' }],
  },
  tokenize: {
    schema: tokenizeSchema,
    parse: (body, settings) => parseTokenize(body, 'body', settings),
    bodies: [templated, { prompt: 'a' }],
    refused: ['tools'],
  },
  detokenize: {
    schema: detokenizeSchema,
    parse: (body) => parseDetokenize(body, 'body'),
    bodies: [{ tokens: [1] }],
  },
}

const settings = { renderChat: () => 'rendered', acceptsBytes: true }

describe.each(Object.entries(endpoints))('the schema of %s', (_name, { schema, parse, bodies, refused = [] }) => {
  it('names the fields that the parser reads', () => {
    const read = new Set<string>()
    for (const body of bodies) {
      const watched = watching(body, (key) => read.add(key))
      parseEnvelope(watched, 'body')
      parse(watched, settings)
    }
    const named = Object.keys(schema.request.properties ?? {})
    expect(named.toSorted()).toEqual([...read].filter((key) => !refused.includes(key)).toSorted())
  })

  it.each(refused)('and not %s, which is refused', (key) => {
    expect(() => parse({ ...bodies[0], [key]: 8 }, settings)).toThrow()
  })

  it('has an example that is accepted', () => {
    parseEnvelope(schema.example, 'body')
    parse(schema.example, settings)
    for (const key of Object.keys(schema.example)) expect(schema.request.properties).toHaveProperty(key)
  })

  it('is complete', () => {
    expectComplete(schema.request)
    expectComplete(schema.response)
  })
})

describe('the schemas that merge others', () => {
  it('are complete', () => {
    for (const schema of [invocationsSchema.request, invocationsSchema.response, modelsSchema.response, errorSchema]) {
      expectComplete(schema)
    }
    expect(parseInvocation(invocationsSchema.example, 'body', settings).endpoint).toBe('rerank')
  })
})

/** Calls `onRead` with every key that is looked up. */
function watching(body: object, onRead: (key: string) => void): object {
  return new Proxy(body, {
    getOwnPropertyDescriptor(target, key) {
      onRead(String(key))
      return Reflect.getOwnPropertyDescriptor(target, key)
    },
  })
}

/** Plain JSON, in which every reference has its definition and every required field its schema. */
function expectComplete(schema: JsonSchema): void {
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  const definitions = Object.keys(schema.$defs ?? {})
  const references = new Set<string>()
  visit(schema, references)
  expect([...references].toSorted()).toEqual(definitions.toSorted())
}

function visit(value: unknown, references: Set<string>): void {
  if (typeof value !== 'object' || value === null) return
  if ('$ref' in value) references.add(String(value.$ref).replace('#/$defs/', ''))
  if ('required' in value && 'properties' in value && Array.isArray(value.required)) {
    for (const key of value.required) expect(value.properties).toHaveProperty(key)
  }
  for (const each of Object.values(value)) visit(each, references)
}
