// What a request may ask of its images and videos: less work than the server would do by itself, or a little more.

import { QvlError } from '../errors.js'
import { officialSampling } from '../media/sampling.js'
import { imageLimits } from '../media/smart-resize.js'
import { maxAskedPixels } from './limits.js'
import type { MediaOptions } from './options.js'
import type { VisualSettings } from './requests.js'

/** Throws REQUEST_INVALID. */
export function checkSettings({ image, video }: VisualSettings, own: MediaOptions): void {
  const { maxFrames, totalPixels } = { ...officialSampling, ...own.video }
  const { minPixels, maxPixels } = { ...imageLimits, ...own.image, ...image }
  atMost('max_pixels', image?.maxPixels, maxAskedPixels)
  atMost('min_pixels', image?.minPixels, maxAskedPixels)
  if (image !== undefined && minPixels > maxPixels) throw contradiction(minPixels, maxPixels)
  atMost('total_pixels', video?.totalPixels, totalPixels)
  atMost('num_frames', video?.minFrames, maxFrames)
  atMost('num_frames', video?.maxFrames, maxFrames)
}

function atMost(name: string, asked: number | undefined, most: number): void {
  if (asked === undefined || asked <= most) return
  throw new QvlError('REQUEST_INVALID', {
    what: `\`${name}\` is ${asked}, and this server takes ${most} at most.`,
    why: 'The memory and the time of a request have to be bounded.',
    do: 'Ask for less, or leave it out.',
    param: name,
  })
}

const contradiction = (minPixels: number, maxPixels: number): QvlError =>
  new QvlError('REQUEST_INVALID', {
    what: `Images are to have at least ${minPixels} pixels and at most ${maxPixels}.`,
    why: 'What a request leaves out is as the server has it.',
    do: 'Send `min_pixels` and `max_pixels` together.',
    param: 'max_pixels',
  })
