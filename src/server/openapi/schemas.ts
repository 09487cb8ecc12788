// JSON Schemas inside an OpenAPI document, where a reference counts from the root of the document.

import { isList, isObject, type JsonObject } from '../../api/fields.js'
import type { JsonSchema } from '../../api/schema/json-schema.js'

const own = '#/$defs/'
const shared = '#/components/schemas/'

/** The schema without its `$defs`, which go to `schemas`; references to them follow. The same name means the same schema. */
export function hoistDefinitions(schema: JsonSchema, schemas: Record<string, JsonSchema>): JsonSchema {
  const { $defs, ...rest } = schema
  if (isObject($defs)) {
    for (const [name, definition] of Object.entries($defs)) {
      if (isObject(definition)) schemas[name] = pointAtShared(definition)
    }
  }
  return pointAtShared(rest)
}

function pointAtShared(schema: JsonObject): JsonSchema {
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, moved(key, value)]))
}

function moved(key: string, value: unknown): unknown {
  if (key === '$ref' && typeof value === 'string' && value.startsWith(own)) return `${shared}${value.slice(own.length)}`
  if (isList(value)) return value.map((item) => moved('', item))
  return isObject(value) ? pointAtShared(value) : value
}
