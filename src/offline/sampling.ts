// Which frames of its videos a line asks for, in the words of the official scripts.

import type { Fields } from '../api/fields.js'
import type { VisualSettings } from '../engine/requests.js'

/** The model looks at pairs of frames. */
const minFrames = 2

/** The request with the line's `fps` and `max_frames`. Throws REQUEST_SCHEMA. */
export function withSampling<Request extends { visualSettings?: VisualSettings | undefined }>(
  request: Request,
  fields: Fields,
): Request {
  const fps = fields.number('fps')
  const maxFrames = fields.integer('max_frames', minFrames)
  if (fps !== undefined && fps <= 0) throw fields.invalid('fps', 'a number above 0')
  if (fps === undefined && maxFrames === undefined) return request
  const asked = { ...(fps !== undefined && { fps }), ...(maxFrames !== undefined && { maxFrames }) }
  const { visualSettings } = request
  return { ...request, visualSettings: { ...visualSettings, video: { ...visualSettings?.video, ...asked } } }
}
