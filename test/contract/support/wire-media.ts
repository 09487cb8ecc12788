// Golden cases with images and videos as the bodies that clients send.

import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { goldenPath } from '../../support/golden.js'
import type { VlGoldenCase } from '../../support/vl-cases.js'

/** How a reference reaches the server. */
export type Transport = 'data' | 'http' | 'file'

type Side = NonNullable<VlGoldenCase['input']['query']>

const mediaTypes: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  mp4: 'video/mp4',
}

const base64Of = (name: string): string => readFileSync(goldenPath(`media/${name}`)).toString('base64')

export const dataUrl = (name: string): string => `data:${mediaTypes[name.split('.').at(-1)!]};base64,${base64Of(name)}`

/** @param serverUrl of a server of the golden media. */
export function referenceTo(name: string, transport: Transport, serverUrl: string): string {
  if (transport === 'data') return dataUrl(name)
  return transport === 'http' ? `${serverUrl}/${name}` : pathToFileURL(goldenPath(`media/${name}`)).href
}

const listOf = <Item>(value: Item | Item[] | undefined): Item[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value]

export const imagePart = (url: string) => ({ type: 'image_url', image_url: { url } })
export const videoPart = (url: string) => ({ type: 'video_url', video_url: { url } })
export const textPart = (text: string) => ({ type: 'text', text })

/** One side as vLLM's parts. Frames are one data URL, as its clients send them. */
export function partsOf({ text, image, video }: Side, transport: Transport, serverUrl: string): object[] {
  const refer = (name: string): string => referenceTo(name, transport, serverUrl)
  const videoUrl = Array.isArray(video)
    ? `data:video/jpeg;base64,${video.map(base64Of).join(',')}`
    : video && refer(video)
  return [
    ...(videoUrl === undefined ? [] : [videoPart(videoUrl)]),
    ...listOf(image).map((name) => imagePart(refer(name))),
    ...listOf(text).map(textPart),
  ]
}

/** One side as SGLang's `{text, image, video}`. */
export function byMedium({ text, image, video }: Side, transport: Transport, serverUrl: string): object {
  const refer = (name: string): string => referenceTo(name, transport, serverUrl)
  return {
    ...(text !== undefined && { text }),
    ...(image !== undefined && { image: Array.isArray(image) ? image.map(refer) : refer(image) }),
    ...(video !== undefined && { video: Array.isArray(video) ? video.map(refer) : refer(video) }),
  }
}
