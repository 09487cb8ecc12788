// A JSON Schema as the rows of a table: one row per field, nested ones by their dotted path.

import { isList, isObject, type JsonObject } from '../../api/fields.js'

export interface FieldRow {
  /** Such as `results[].document.text`. */
  path: string
  type: string
  required: boolean
  /** As JSON. */
  default: string | undefined
  description: string
}

/** Deeper fields are left to /openapi.json. */
const maxDepth = 4
/** An object of a union is told by its fields, when it has only so many. */
const maxNamedFields = 4

/** The rows of the fields of `schema`. A shape that has a name of its own is only named. */
export function fieldRows(schema: JsonObject): FieldRow[] {
  return rowsBelow(schema, '', 0).filter(
    (row, index, rows) => rows.findIndex(({ path }) => path === row.path) === index,
  )
}

/** The type of a value in a few words: `string | list of ContentPart`. */
export function typeName(schema: unknown): string {
  if (!isObject(schema)) return 'any'
  if (typeof schema.$ref === 'string') return schema.$ref.split('/').at(-1) ?? 'any'
  const shapes = shapesOf(schema)
  if (shapes.length > 0) return [...new Set(shapes.map(typeName))].join(' | ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (isList(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (isList(schema.type)) return schema.type.join(' | ')
  if (schema.type === 'array') return listName(schema.items)
  if (isObject(schema.properties)) return objectName(Object.keys(schema.properties))
  return typeof schema.type === 'string' ? schema.type : 'any'
}

function listName(items: unknown): string {
  const name = typeName(items)
  return name.includes(' | ') ? `list of (${name})` : `list of ${name}`
}

const objectName = (fields: readonly string[]): string =>
  fields.length <= maxNamedFields ? `{${fields.join(', ')}}` : 'object'

function rowsBelow(schema: unknown, path: string, depth: number): FieldRow[] {
  if (!isObject(schema) || depth >= maxDepth) return []
  if (schema.type === 'array') return rowsBelow(schema.items, `${path}[]`, depth)
  return [
    ...propertyRows(schema, path, depth),
    ...shapesOf(schema).flatMap((shape) => rowsBelow(shape, path, depth + 1)),
  ]
}

function propertyRows(schema: JsonObject, path: string, depth: number): FieldRow[] {
  if (!isObject(schema.properties)) return []
  const required = isList(schema.required) ? schema.required : []
  return Object.entries(schema.properties).flatMap(([name, field]) => {
    const here = path === '' ? name : `${path}.${name}`
    return [fieldRow(field, here, required.includes(name)), ...rowsBelow(field, here, depth + 1)]
  })
}

function fieldRow(field: unknown, path: string, required: boolean): FieldRow {
  const schema = isObject(field) ? field : {}
  return {
    path,
    type: typeName(field),
    required,
    default: schema.default === undefined ? undefined : JSON.stringify(schema.default),
    description: typeof schema.description === 'string' ? schema.description : '',
  }
}

const shapesOf = (schema: JsonObject): readonly unknown[] =>
  [schema.anyOf, schema.oneOf, schema.allOf].flatMap((list) => (isList(list) ? list : []))
