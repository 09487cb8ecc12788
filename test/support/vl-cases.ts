// The golden cases with images and videos, as requests.

import { pairTimes } from '#qvl/media/sampling.js'
import type { VisualFacts } from '#qvl/media/visual.js'
import type { Content, Part } from '#qvl/prompts/content.js'
import { mediaParts, visualReference } from '#qvl/prompts/visuals.js'
import { goldenPath, readGolden, type StoredArray } from './golden.js'

/** Where the references of the cases lead. */
export const goldenMedia = { localRoots: [goldenPath('media')], localBase: goldenPath('media') }

type Grid = [time: number, height: number, width: number]

interface Side {
  text?: string | string[]
  image?: string | string[]
  video?: string | string[]
}

export interface VlGoldenCase {
  id: string
  input: Side & {
    instruction?: string | null
    query?: Side
    document?: Side
    max_length?: number
    fps?: number
    max_frames?: number
  }
  embedding?: StoredArray
  score?: number
  expanded_prompt?: string
  prompt: string
  input_ids: number[]
  image_grid_thw?: Grid[]
  video_grid_thw?: Grid[]
  video_frame_indices?: number[] | number[][]
  video_fps?: number | number[]
}

const list = <Item>(value: Item | Item[] | undefined): Item[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

/** JPEG and 4:2:0 depend on the decoder (see the README of the golden data); everything else is lossless. */
export const isLossy = (example: VlGoldenCase): boolean => /\.jpg|yuv420/.test(JSON.stringify(example.input))
export const needsFfmpeg = (example: VlGoldenCase): boolean => /\.mp4/.test(JSON.stringify(example.input))

export function contentOf({ text, image, video }: Side): Content {
  const parts: Part[] = list(text).map((each) => ({ type: 'text', text: each }))
  for (const each of list(image)) parts.push({ type: 'image', image: each })
  if (video !== undefined) parts.push({ type: 'video', video })
  return parts
}

/** What the golden file says of the images and videos, in the order in which the prompt holds them. */
export function visualsOf(example: VlGoldenCase, contents: Content[]): Map<string, VisualFacts> {
  const images = [...(example.image_grid_thw ?? [])]
  const videos = [...(example.video_grid_thw ?? [])]
  const parts = contents.flatMap(mediaParts)
  return new Map(
    parts.map((part) => {
      const grid = (part.type === 'image' ? images : videos).shift()!
      const [time, height, width] = grid
      const indices = list(example.video_frame_indices as number[] | undefined).flat()
      const fps = list(example.video_fps as number | undefined)[0]
      const frames = typeof (part.type === 'video' && part.video) === 'string' ? indices : [...Array(2 * time).keys()]
      const times = part.type === 'image' ? [] : pairTimes(frames, fps ?? 2)
      const tokens = { height: height / 2, width: width / 2 }
      return [visualReference(part), { kind: part.type, key: visualReference(part), grid, tokens, times }]
    }),
  )
}

export function mediaCases(name: string): VlGoldenCase[] {
  const { cases } = readGolden<{ cases: VlGoldenCase[] }>(`${name}/cases.json`)
  return cases.filter(({ image_grid_thw, video_grid_thw }) => image_grid_thw ?? video_grid_thw)
}
