// The fields that say how vectors are written: encoding_format, embed_dtype and endianness.

import type { Fields } from './fields.js'
import { embedDtypes, endiannesses } from './float-bytes.js'
import type { VectorFormat } from './floats.js'
import type { RequestSettings } from './request-settings.js'

/** Throws REQUEST_SCHEMA. Bytes are no JSON, so a file cannot hold them. */
export function parseEncoding(fields: Fields, settings: RequestSettings): VectorFormat {
  const asked = fields.oneOf('encoding_format', ['float', 'base64', 'bytes', 'bytes_only'])
  const dtype = fields.oneOf('embed_dtype', embedDtypes) ?? 'float32'
  const endianness = fields.oneOf('endianness', endiannesses) ?? 'native'
  const encoding = asked ?? settings.encodingFormat ?? 'float'
  if (encoding === 'float') return { encoding }
  if (encoding !== 'base64' && settings.acceptsBytes !== true) {
    throw fields.invalid('encoding_format', '"float" or "base64"')
  }
  return { encoding, dtype, endianness }
}
