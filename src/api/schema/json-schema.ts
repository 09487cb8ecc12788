// The words schemas are written in: JSON Schema (2020-12) as plain objects.

export type JsonSchema = Readonly<Record<string, unknown>>

/** What /openapi.json says of one endpoint. */
export interface EndpointSchema {
  request: JsonSchema
  response: JsonSchema
  /** A body that the endpoint accepts. */
  example: Readonly<Record<string, unknown>>
}

export type Properties = Readonly<Record<string, JsonSchema>>

/** Fields that are not named are ignored, as in vLLM. */
export const objectOf = (properties: Properties, required: readonly string[]): JsonSchema => ({
  type: 'object',
  properties,
  required,
})

export const listOf = (items: JsonSchema, description?: string): JsonSchema => ({
  type: 'array',
  items,
  ...(description !== undefined && { description }),
})

/** A field that may be left out, or be null. */
export const optional = (type: string, description: string, more: JsonSchema = {}): JsonSchema => ({
  type: [type, 'null'],
  description,
  ...more,
})

/** A field with a few values, the first of which is the default. */
export const choice = (values: readonly string[], description: string): JsonSchema => ({
  enum: [...values, null],
  default: values[0],
  description,
})

export const text = (description?: string): JsonSchema => ({ type: 'string', ...(description && { description }) })
export const wholeNumber: JsonSchema = { type: 'integer' }
export const number: JsonSchema = { type: 'number' }
export const constant = (value: string | number | boolean | null): JsonSchema => ({ const: value })
export const anyOf = (...schemas: readonly JsonSchema[]): JsonSchema => ({ anyOf: schemas })
export const refTo = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` })
