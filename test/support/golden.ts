// Reads the golden reference data: cases, traces and arrays.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const goldenPath = (path: string): string => fileURLToPath(new URL(`../golden/${path}`, import.meta.url))

export const readGolden = <T>(path: string): T => JSON.parse(readFileSync(goldenPath(path), 'utf8')) as T

/** An array as the golden files store it: base64 of a little-endian row-major buffer. */
export interface StoredArray {
  dtype: 'f32' | 'i32' | 'u8'
  shape: number[]
  b64: string
}

export function floats(stored: StoredArray): Float32Array {
  const bytes = Buffer.from(stored.b64, 'base64')
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength))
}

export const bytes = (stored: StoredArray): Uint8Array => new Uint8Array(Buffer.from(stored.b64, 'base64'))

export function integers(stored: StoredArray): Int32Array {
  const { buffer } = floats(stored)
  return new Int32Array(buffer)
}

export interface VlContent {
  text?: string | string[]
  image?: unknown
  video?: unknown
}

export interface EmbedCase {
  id: string
  input: VlContent & { role?: 'query' | 'document'; task?: string; instruction?: string; max_length?: number }
  prompt: string
  input_ids: number[]
  hidden: StoredArray
  embedding: StoredArray
}

export interface ScoreCase {
  id: string
  input: { instruction: string | null; query: string | VlContent; document: string | VlContent; max_length?: number }
  prompt: string
  input_ids: number[]
  hidden: StoredArray
  logit_diff: number
  logit_yes?: number
  logit_no?: number
  score: number
}

/** Cases without images or video. */
export function textCases<Case extends EmbedCase | ScoreCase>(checkpoint: string): Case[] {
  const { cases } = readGolden<{ cases: Case[] }>(`${checkpoint}/cases.json`)
  return cases.filter((example) => !/"(image|video)"/.test(JSON.stringify(example.input)))
}

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let ab = 0
  let aa = 0
  let bb = 0
  for (let i = 0; i < a.length; i++) {
    ab += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  return ab / Math.sqrt(aa * bb)
}

export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let max = 0
  for (let i = 0; i < a.length; i++) max = Math.max(max, Math.abs(a[i]! - b[i]!))
  return max
}
