// Inputs in the form of the official repository's examples, as they stand: with an image from the web, an instruction, and
// the sampling of videos beside the contents.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasFfmpeg } from '../support/ffmpeg.js'
import { type FileServer, startFileServer } from '../support/file-server.js'
import { cosine, goldenPath } from '../support/golden.js'
import { devices, jsonLines, parseLines, qvl, vlEmbedder, vlReranker } from './run-qvl.js'

let server: FileServer
beforeAll(async () => {
  server = await startFileServer(goldenPath('media'))
})
afterAll(() => server[Symbol.asyncDispose]())

const caption = 'Two children fly a kite from a hill in the evening.'
const instruction = "Retrieve images or text relevant to the user's query."

/** What the scripts' `process` takes, as lines; the picture is on the web. */
const embedderInputs = (image: string): object[] => [
  { text: 'children who play outdoors', instruction },
  { text: caption },
  { image },
  { text: caption, image },
]

const rerankerInputs = (image: string): object => ({
  instruction,
  query: { text: 'children who play outdoors' },
  documents: [{ text: caption }, { image }, { text: caption, image }],
  fps: 1.0,
  max_frames: 64,
})

const web = ['--allowed-media-networks', '127.0.0.0/8']

const vectorsOf = async (lines: readonly object[], ...flags: string[]): Promise<number[][]> => {
  const { code, stdout } = await qvl(['embed', '-m', vlEmbedder, ...web, ...flags], jsonLines(lines))
  expect(code).toBe(0)
  return parseLines<{ embedding: number[] }>(stdout).map(({ embedding }) => embedding)
}

const scoresOf = async (line: object, ...flags: string[]): Promise<number[]> => {
  const { code, stdout } = await qvl(['score', '-m', vlReranker, ...web, ...flags], jsonLines([line]))
  expect(code).toBe(0)
  const [answer] = parseLines<{ results: { index: number; relevance_score: number }[] }>(stdout)
  const inOrder = answer!.results.sort((a, b) => a.index - b.index)
  return inOrder.map(({ relevance_score }) => relevance_score)
}

describe('the inputs of the official examples', () => {
  it('embed to the vectors of the reference interpreter', async () => {
    const lines = embedderInputs(`${server.url}/rgb_640x427.webp`)
    const expected = await vectorsOf(lines, '--device', 'reference')
    expect(expected).toHaveLength(4)
    // Each has its own vector.
    for (const [i, a] of expected.entries()) {
      for (const b of expected.slice(i + 1)) expect(cosine(a, b)).toBeLessThan(0.999)
    }
    for (const device of devices.filter((name) => name !== 'reference')) {
      const vectors = await vectorsOf(lines, '--device', device)
      for (const [i, vector] of vectors.entries()) expect(cosine(vector, expected[i]!)).toBeGreaterThan(0.99999)
    }
  })

  it('score as the reference interpreter does', async () => {
    const line = rerankerInputs(`${server.url}/rgb_640x427.webp`)
    const expected = await scoresOf(line, '--device', 'reference')
    expect(new Set(expected.map((score) => score.toFixed(4))).size).toBe(3)
    for (const device of devices.filter((name) => name !== 'reference')) {
      const scores = await scoresOf(line, '--device', device)
      for (const [i, score] of scores.entries()) expect(Math.abs(score - expected[i]!)).toBeLessThan(1e-4)
    }
  })

  it.runIf(hasFfmpeg)('take several videos in a list, of files and of frames', async () => {
    const frames = ['frames/f00.png', 'frames/f01.png', 'frames/f02.png'].map((name) => `${server.url}/${name}`)
    const clip = `${server.url}/clip_lossless_96x64.mp4`
    const [both, parts, clipAlone, framesAlone] = await vectorsOf([
      { video: [clip, frames], text: 'moves', fps: 2, max_frames: 8 },
      { video: [[...frames], clip], text: 'moves', fps: 2, max_frames: 8 },
      { video: clip, text: 'moves', fps: 2, max_frames: 8 },
      { video: frames, text: 'moves' },
    ])
    // The order of videos counts, and one of them is not the other.
    for (const [a, b] of [
      [both, parts],
      [both, clipAlone],
      [both, framesAlone],
      [clipAlone, framesAlone],
    ] as const) {
      expect(cosine(a!, b!)).toBeLessThan(0.99999)
    }
  })
})
