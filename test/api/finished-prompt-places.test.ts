// Token ids with images and videos against a model: what stands where, and ids and media that do not belong together.

import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseEmbeddings } from '#qvl/api/openai-embeddings.js'
import { openEngine } from '#qvl/engine/engine.js'
import { contentsOfEmbed } from '#qvl/engine/request-contents.js'
import type { EmbedTask, Engine } from '#qvl/engine/requests.js'
import { QvlError } from '#qvl/errors.js'
import { goldenPath } from '../support/golden.js'
import { type Checkpoint, checkpointPath } from '../support/server.js'

const open = (checkpoint: Checkpoint): Promise<Engine> =>
  openEngine({ model: checkpointPath(checkpoint), device: 'reference' })

let vl: Engine
let text: Engine
beforeAll(async () => {
  ;[vl, text] = await Promise.all([open('qwen3-vl-embedding'), open('qwen3-embedding')])
})
afterAll(() => Promise.all([vl, text].map((each) => each.close())))

const png = (name: string): string =>
  `data:image/png;base64,${readFileSync(goldenPath(`media/${name}`)).toString('base64')}`
const small = png('rgb_48x48.png')
const large = png('rgba_80x112.png')
const frames = ['f00', 'f01', 'f02', 'f03'].map((frame) => png(`frames/${frame}.png`))

let imagePad: number
let videoPad: number
beforeAll(() => {
  ;[imagePad, videoPad] = ['<|image_pad|>', '<|video_pad|>'].map(
    (pad) => vl.preparer.tokenize(pad, { addSpecialTokens: false }).ids[0]!,
  ) as [number, number]
})

async function prepare(engine: Engine, input: object): Promise<EmbedTask> {
  const [request] = parseEmbeddings({ input }, '').requests
  const { facts } = await engine.loadVisuals(contentsOfEmbed(request!))
  return engine.preparer.embed({ ...request!, visuals: facts })
}

/** Tokens of one frame, and how many there are. */
async function sizeOf(part: { type: 'image'; image: string } | { type: 'video'; video: string[] }): Promise<number[]> {
  const [facts] = (await vl.loadVisuals([{ content: [part] }])).facts.values()
  const { tokens, times, kind } = facts!
  return Array(kind === 'video' ? times.length : 1).fill(tokens.height * tokens.width)
}

const pads = (count: number, pad = imagePad): number[] => Array(count).fill(pad)

describe('places', () => {
  it('are those of the pad tokens, in their order', async () => {
    const [one] = await sizeOf({ type: 'image', image: small })
    const [two] = await sizeOf({ type: 'image', image: large })
    const film = await sizeOf({ type: 'video', video: frames })
    const ids = [5, ...pads(two!), 6, ...pads(one!), ...film.flatMap((count) => [7, ...pads(count, videoPad)]), 8]
    const media = [{ image: large }, { image: small }, { video: frames }]
    const { sequences } = await prepare(vl, { prompt_token_ids: ids, media })
    expect([...sequences[0]!.ids]).toEqual(ids)
    const films = film.map((count, i) => 3 + two! + one! + i * (count + 1))
    expect(sequences[0]!.visuals?.map(({ starts }) => [...starts])).toEqual([[1], [2 + two!], films])
  })

  it('a prompt without media has none, whatever its form', async () => {
    for (const input of [{ prompt_token_ids: [5, 6] }, { prompt_token_ids: [5, 6], media: [] }, [5, 6]]) {
      expect((await prepare(vl, input)).sequences[0]!.visuals).toBeUndefined()
    }
  })
})

describe('refusals', () => {
  const image = [{ image: small }]

  it.each<[string, (size: number) => object, string, RegExp]>([
    [
      'an id outside the vocabulary',
      () => ({ prompt_token_ids: [999_999] }),
      'REQUEST_INVALID',
      /999999 is out of voc/,
    ],
    [
      'an image without pad tokens',
      () => ({ prompt_token_ids: [5, 6], media: image }),
      'REQUEST_INVALID',
      /have 0 places .* those that were sent take \d+/,
    ],
    [
      'pad tokens without an image',
      (size) => ({ prompt_token_ids: [5, ...pads(size)] }),
      'REQUEST_INVALID',
      /have \d+ places .* those that were sent take 0/,
    ],
    [
      'too few pad tokens',
      (size) => ({ prompt_token_ids: [5, ...pads(size - 1)], media: image }),
      'REQUEST_INVALID',
      /places for images/,
    ],
    [
      'pad tokens for two images, and one image',
      (size) => ({ prompt_token_ids: [...pads(size), 5, ...pads(size)], media: image }),
      'REQUEST_INVALID',
      /places for images/,
    ],
    [
      'pad tokens that are apart',
      (size) => ({ prompt_token_ids: [...pads(1), 5, ...pads(size - 1)], media: image }),
      'REQUEST_INVALID',
      /no \d+ pad tokens in a row for an image/,
    ],
    [
      'pad tokens of videos for an image',
      (size) => ({ prompt_token_ids: [5, ...pads(size, videoPad)], media: image }),
      'REQUEST_INVALID',
      /no \d+ pad tokens in a row for an image/,
    ],
    [
      'a second text',
      () => ({ prompt_token_ids: [5, 6, 7], second_from: 1 }),
      'REQUEST_INVALID',
      /does not tell the two texts of a pair apart/,
    ],
    [
      'an image that is no image',
      (size) => ({ prompt_token_ids: [5, ...pads(size)], media: [{ image: 'data:image/png;base64,AAAA' }] }),
      'MEDIA_INVALID',
      /./,
    ],
  ])('%s', async (_, make, code, message) => {
    const [size] = await sizeOf({ type: 'image', image: small })
    expect(size).toBeGreaterThan(1)
    await expectFailure(prepare(vl, make(size!)), code, message)
  })

  it('an image for a model of text', async () => {
    const input = { prompt_token_ids: [5, imagePad], media: image }
    await expectFailure(prepare(text, input), 'MEDIA_UNSUPPORTED', /reads text only/)
  })
})

/** Each says what happened and what to do. */
async function expectFailure(prepared: Promise<unknown>, code: string, message: RegExp): Promise<void> {
  const error: unknown = await prepared.then(
    () => undefined,
    (refused: unknown) => refused,
  )
  expect(error).toBeInstanceOf(QvlError)
  if (!(error instanceof QvlError)) return
  expect(error.code).toBe(code)
  expect(error.message).toMatch(message)
  expect(error.details.do).toMatch(/\.$/)
}
