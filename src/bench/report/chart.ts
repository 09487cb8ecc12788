// Charts as SVG: axes with round numbers, dots and bars.

/** The values that the edges stand for, from low to high. */
export interface Frame {
  x: readonly [number, number]
  y: readonly [number, number]
  xName: string
  yName: string
}

export interface Dot {
  x: number
  y: number
  isGood: boolean
  /** Shown under the pointer. */
  text: string
}

export interface Bar {
  from: number
  to: number
  count: number
  text: string
}

const width = 960
const height = 300
const margin = { left: 64, right: 16, top: 28, bottom: 40 }

export function chart(frame: Frame, marks: string): string {
  const xs = ticks(frame.x, 8).map((value) => {
    const at = place(value, frame.x, margin.left, width - margin.right)
    return `<text x="${at}" y="${height - 22}" text-anchor="middle">${label(value)}</text>`
  })
  const ys = ticks(frame.y, 5).map((value) => {
    const at = place(value, frame.y, height - margin.bottom, margin.top)
    const line = `<line class="axis" x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}"/>`
    return `${line}<text x="${margin.left - 8}" y="${at}" dy="4" text-anchor="end">${label(value)}</text>`
  })
  const names = `<text x="${width - margin.right}" y="${height - 4}" text-anchor="end">${frame.xName}</text><text x="4" y="12">${frame.yName}</text>`
  return `<svg viewBox="0 0 ${width} ${height}" role="img">${ys.join('')}${xs.join('')}${names}${marks}</svg>`
}

export function dots(frame: Frame, points: readonly Dot[]): string {
  return points
    .map(({ x, y, isGood, text }) => {
      const cx = place(x, frame.x, margin.left, width - margin.right)
      const cy = place(y, frame.y, height - margin.bottom, margin.top)
      return `<circle class="${isGood ? 'mark' : 'bad'}" cx="${cx}" cy="${cy}" r="2"><title>${text}</title></circle>`
    })
    .join('')
}

export function bars(frame: Frame, items: readonly Bar[]): string {
  const bottom = height - margin.bottom
  return items
    .map(({ from, to, count, text }) => {
      const left = place(from, frame.x, margin.left, width - margin.right)
      const right = place(to, frame.x, margin.left, width - margin.right)
      const top = place(count, frame.y, bottom, margin.top)
      const size = `width="${round(Math.max(1, right - left - 1))}" height="${round(bottom - top)}"`
      return `<rect class="mark" x="${left}" y="${top}" ${size}><title>${text}</title></rect>`
    })
    .join('')
}

/** A value of `range` between two edges; the middle when the range is one value. */
function place(value: number, [low, high]: Frame['x'], start: number, end: number): number {
  const part = high > low ? (value - low) / (high - low) : 0.5
  return round(start + part * (end - start))
}

/** Multiples of 1, 2 or 5 times a power of ten, about `wanted` of them. */
function ticks([low, high]: Frame['x'], wanted: number): number[] {
  if (!(high > low)) return [low]
  const raw = (high - low) / wanted
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10)
  const first = Math.ceil(low / step)
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, index) => (first + index) * step)
}

/** Without the digits that binary fractions add. */
const label = (value: number): string => String(Number(value.toPrecision(6)))

const round = (value: number): number => Math.round(value * 10) / 10
