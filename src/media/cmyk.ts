// JPEGs in cyan, magenta, yellow and black, to red, green and blue as Pillow does it: without a colour profile.

import { setImmediate as nextTurn } from 'node:timers/promises'

/** Pixels before the event loop gets a turn: a few milliseconds of work. */
const pixelsPerTurn = 256 * 1024

/** `cmyk`: four bytes a pixel, 255 for all of an ink. */
export async function cmykToRgb(cmyk: Uint8Array): Promise<Uint8Array> {
  const rgb = new Uint8Array((cmyk.length / 4) * 3)
  for (let start = 0; start < cmyk.length; start += 4 * pixelsPerTurn) {
    takeInksAway(cmyk, rgb, { start, end: Math.min(start + 4 * pixelsPerTurn, cmyk.length) })
    await nextTurn()
  }
  return rgb
}

/** What black leaves of the light, less the part that each ink takes of it; products divided by 255 and rounded. */
function takeInksAway(cmyk: Uint8Array, rgb: Uint8Array, { start, end }: { start: number; end: number }): void {
  for (let from = start, to = (start / 4) * 3; from < end; from += 4, to += 3) {
    const light = 255 - cmyk[from + 3]!
    for (let ink = 0; ink < 3; ink++) {
      const product = cmyk[from + ink]! * light + 128
      rgb[to + ink] = light - ((product + (product >> 8)) >> 8)
    }
  }
}
