// Dataset `random-mm`: random prompts with images or videos of noise.

import { QvlError } from '../../errors.js'
import type { NumpyGenerator } from '../random/numpy-generator.js'
import { noiseImage } from './noise-image.js'
import { noiseVideo } from './noise-video.js'
import type { MediaBucket } from './options.js'
import { pauses } from './pause.js'
import { type RandomOptions, RandomPrompts } from './random.js'
import type { BenchRequest, MediaPart } from './request.js'
import type { BenchTokenizer } from './tokenizer.js'

export interface RandomMediaOptions extends RandomOptions {
  itemsPerRequest: number
  /** The part by which the number of items may differ, from 0 to 1. */
  itemsRangeRatio: number
  /** At most so many of `image` and of `video` in one request. */
  maxItems: Readonly<Record<string, number>>
  buckets: readonly MediaBucket[]
}

type Modality = 'image' | 'video'

/** Throws USAGE. */
export async function randomMediaRequests(
  tokenizer: BenchTokenizer,
  options: RandomMediaOptions,
): Promise<{ requests: BenchRequest[]; warnings: string[] }> {
  if (options.batchSize !== 1) throw noBatches(options.batchSize)
  const prompts = new RandomPrompts(tokenizer, options)
  const items = new MediaItems(prompts.random, options)
  const pause = pauses(options.signal)
  const requests: BenchRequest[] = []
  for (let i = 0; i < options.numPrompts; i++) {
    const prompt = prompts.next()
    requests.push({ ...prompt, media: await Promise.all(items.draw(options.signal)) })
    await pause()
  }
  return { requests, warnings: prompts.warnings() }
}

/** Draws which items a request has, and their pixels, in the order of vLLM's draws. */
class MediaItems {
  readonly #buckets: readonly MediaBucket[]
  readonly #limits: ReadonlyMap<Modality, number>
  readonly #min: number
  readonly #max: number

  constructor(
    private readonly random: NumpyGenerator,
    { buckets, maxItems, itemsPerRequest, itemsRangeRatio }: RandomMediaOptions,
  ) {
    this.#buckets = normalized(checkedBuckets(buckets))
    this.#limits = new Map(this.#buckets.map((bucket) => [modalityOf(bucket), checkedLimit(maxItems, bucket)]))
    checkItems(itemsPerRequest, itemsRangeRatio)
    const limit = [...this.#limits.values()].reduce((sum, each) => sum + each, 0)
    this.#max = Math.min(limit, Math.ceil(itemsPerRequest * (1 + itemsRangeRatio)))
    this.#min = Math.floor(itemsPerRequest * (1 - itemsRangeRatio))
    if (this.#min > this.#max) throw tooManyItems(this.#min, this.#max)
  }

  /** The pixels are drawn at once, one item after another; the encoders work on while the next is drawn. */
  draw(signal: AbortSignal | undefined): Promise<MediaPart>[] {
    const wanted = this.random.integer(this.#min, this.#max + 1)
    const counts = new Map<Modality, number>()
    const items: Promise<MediaPart>[] = []
    let buckets = this.#buckets
    while (items.length < wanted) {
      const bucket = buckets[this.random.choice(buckets.map(({ probability }) => probability))]!
      const modality = modalityOf(bucket)
      const count = counts.get(modality) ?? 0
      if (count < this.#limits.get(modality)!) {
        counts.set(modality, count + 1)
        items.push(this.#noise(bucket, signal))
      } else {
        // The sum of the limits is at least `wanted`, so another modality is left.
        buckets = normalized(buckets.filter((each) => modalityOf(each) !== modality))
      }
    }
    return items
  }

  #noise(bucket: MediaBucket, signal: AbortSignal | undefined): Promise<MediaPart> {
    const { height, width, frames } = bucket
    const pixels = this.random.bytes(height * width * frames * 3)
    return frames === 1 ? noiseImage(pixels, bucket) : noiseVideo(pixels, bucket, signal)
  }
}

const modalityOf = ({ frames }: MediaBucket): Modality => (frames === 1 ? 'image' : 'video')

/** Their probabilities add up to one. */
function normalized(buckets: readonly MediaBucket[]): MediaBucket[] {
  const total = buckets.reduce((sum, { probability }) => sum + probability, 0)
  return buckets.map((bucket) => ({ ...bucket, probability: bucket.probability / total }))
}

function checkedBuckets(buckets: readonly MediaBucket[]): MediaBucket[] {
  const isCount = (value: number): boolean => Number.isInteger(value) && value > 0
  for (const { height, width, frames, probability } of buckets) {
    if (isCount(height) && isCount(width) && isCount(frames) && probability >= 0) continue
    throw badBuckets(`(${height}, ${width}, ${frames}): ${probability} is no size with a probability.`)
  }
  const used = buckets.filter(({ probability }) => probability > 0)
  if (used.length === 0) throw badBuckets('No size has a probability above zero.')
  return used
}

function badBuckets(why: string): QvlError {
  return new QvlError('USAGE', {
    what: '--random-mm-bucket-config cannot be used.',
    why,
    do: 'Give sizes with probabilities, such as {(256, 256, 1): 0.5, (720, 1280, 1): 0.5}.',
    param: '--random-mm-bucket-config',
  })
}

function checkedLimit(limits: Readonly<Record<string, number>>, bucket: MediaBucket): number {
  const modality = modalityOf(bucket)
  const limit = limits[modality]
  if (limit !== undefined && Number.isInteger(limit) && limit >= 0) return limit
  throw new QvlError('USAGE', {
    what: `--random-mm-limit-mm-per-prompt has no count for ${modality}.`,
    why: `--random-mm-bucket-config has a ${modality} in it.`,
    do: `Add "${modality}" with a whole number, such as {"image": 3, "video": 1}.`,
    param: '--random-mm-limit-mm-per-prompt',
  })
}

function checkItems(base: number, ratio: number): void {
  if (Number.isInteger(base) && base >= 0 && ratio >= 0 && ratio <= 1) return
  throw new QvlError('USAGE', {
    what: `A request cannot have ${base} items with a range ratio of ${ratio}.`,
    why: 'The number is whole, and the ratio is from 0 to 1.',
    do: 'Correct --random-mm-base-items-per-request or --random-mm-num-mm-items-range-ratio.',
    param: '--random-mm-num-mm-items-range-ratio',
  })
}

function tooManyItems(min: number, max: number): QvlError {
  return new QvlError('USAGE', {
    what: `A request would need ${min} items or more, but may have ${max}.`,
    why: '--random-mm-limit-mm-per-prompt limits each kind.',
    do: 'Raise --random-mm-limit-mm-per-prompt, or lower --random-mm-base-items-per-request.',
    param: '--random-mm-limit-mm-per-prompt',
  })
}

function noBatches(batchSize: number): QvlError {
  return new QvlError('USAGE', {
    what: `--random-batch-size ${batchSize} was given with the dataset random-mm.`,
    why: 'A request of it is one message with its images.',
    do: 'Leave --random-batch-size out.',
    param: '--random-batch-size',
  })
}
