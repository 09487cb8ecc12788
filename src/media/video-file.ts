// Frames of a video file through the system's ffprobe and ffmpeg.

import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { QvlError } from '../errors.js'
import type { Picture, Size } from './pixels.js'

export interface VideoTools {
  /** Path or name of ffmpeg; ffprobe stands beside it. */
  ffmpeg: string
}

export interface VideoHeader extends Size {
  numFrames: number
  /** Frames per second. */
  fps: number
}

/** A file that ffmpeg is still reading after this long is not worth waiting for. */
const probeTimeoutMs = 60_000
const decodeTimeoutMs = 300_000
/** Of one frame before it is resized. */
const maxFramePixels = 64 * 1024 * 1024
const maxProbeBytes = 1024 * 1024
/** Used where a file does not say, as the reference does. */
const unknownFps = 24

/** Containers by their first bytes; ffmpeg is told which, because some of its formats open other files and addresses. */
const containers: readonly { format: string; at: number; bytes: string }[] = [
  { format: 'mov', at: 4, bytes: 'ftyp' },
  { format: 'matroska', at: 0, bytes: '\x1a\x45\xdf\xa3' },
  { format: 'avi', at: 8, bytes: 'AVI ' },
]

/** The container of a video file. Throws MEDIA_FORMAT for others. */
export function videoFormat(start: Uint8Array): string {
  const text = Buffer.from(start.subarray(0, 16)).toString('latin1')
  const found = containers.find(({ at, bytes }) => text.startsWith(bytes, at))
  if (found !== undefined) return found.format
  throw new QvlError('MEDIA_FORMAT', {
    what: 'The video cannot be read.',
    why: 'Its first bytes are those of no container that is decoded.',
    do: 'Send an MP4, MOV, WebM, Matroska or AVI file, or a list of frames.',
  })
}

/** Throws MEDIA_INVALID, and DEVICE_UNAVAILABLE where ffprobe is not installed. */
export async function probeVideo(
  file: string,
  format: string,
  { ffmpeg }: VideoTools,
  signal?: AbortSignal,
): Promise<VideoHeader> {
  const entries = 'stream=width,height,nb_frames,nb_read_packets,avg_frame_rate'
  const ask = (extra: readonly string[]): Promise<Record<string, string>> =>
    readStream(ffmpeg, [...input(file, format), '-select_streams', 'v:0', ...extra, '-show_entries', entries], signal)
  let stream = await ask([])
  // Some containers do not say how many frames they have; then the packets are counted.
  if (!/^[1-9]\d*$/.test(stream.nb_frames ?? '')) stream = await ask(['-count_packets'])
  const [width, height] = [Number(stream.width), Number(stream.height)]
  const numFrames = Number(stream.nb_frames ?? stream.nb_read_packets) || Number(stream.nb_read_packets)
  const [over, under] = (stream.avg_frame_rate ?? '').split('/').map(Number)
  const fps = over && under ? over / under : unknownFps
  if (!(width > 0 && height > 0 && numFrames > 0)) throw unreadable()
  if (width * height > maxFramePixels) throw tooLarge({ width, height })
  return { width, height, numFrames, fps }
}

/** The frames of these indices, in order, as they are decoded. Throws as `probeVideo`. */
export async function* videoFrames(
  file: string,
  { format, indices, size }: { format: string; indices: readonly number[]; size: Size },
  { ffmpeg }: VideoTools,
  signal?: AbortSignal,
): AsyncGenerator<Picture> {
  const wanted = [...new Set(indices)].map((index) => `eq(n\\,${index})`).join('+')
  const only = ['-vf', `select=${wanted}`, '-frames:v', String(indices.length), '-fps_mode', 'passthrough']
  const raw = ['-an', '-sn', '-dn', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1']
  // As many bytes a frame as the header said; ffmpeg scales a stream that changes its size in the middle.
  const args = ['-nostdin', '-v', 'error', '-noautorotate', ...input(file, format), ...only, ...raw]
  const child = run(ffmpeg, args, { timeoutMs: decodeTimeoutMs, signal })
  const frameBytes = size.width * size.height * 3
  let numFrames = 0
  for await (const rgb of pieces(child.stdout, frameBytes)) {
    numFrames++
    yield { ...size, rgb }
  }
  await child.ended
  if (numFrames < indices.length) throw unreadable()
}

/** The file protocol only, and the container that was recognised. */
const input = (file: string, format: string): string[] => [
  '-protocol_whitelist',
  'file',
  '-f',
  format,
  '-i',
  `file:${file}`,
]

async function readStream(
  ffmpeg: string,
  args: readonly string[],
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const probe = ffmpeg.replace(/ffmpeg(?=[^/\\]*$)/, 'ffprobe')
  const child = run(probe, ['-v', 'error', ...args, '-of', 'json'], { timeoutMs: probeTimeoutMs, signal })
  let text = ''
  for await (const chunk of child.stdout) {
    text += String(chunk)
    if (text.length > maxProbeBytes) throw unreadable()
  }
  await child.ended
  const { streams }: { streams?: Record<string, unknown>[] } = JSON.parse(text)
  const [stream] = streams ?? []
  if (stream === undefined) throw unreadable()
  return Object.fromEntries(Object.entries(stream).map(([name, value]) => [name, String(value)]))
}

interface RunningTool {
  stdout: Readable
  /** Rejects when the tool failed. */
  ended: Promise<void>
}

function run(
  tool: string,
  args: readonly string[],
  options: { timeoutMs: number; signal: AbortSignal | undefined },
): RunningTool {
  const { timeoutMs, signal } = options
  const child = spawn(tool, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    signal,
  })
  let words = ''
  child.stderr.on('data', (chunk) => {
    words = (words + String(chunk)).slice(-4096)
  })
  const ended = new Promise<void>((resolve, reject) => {
    child.on('error', (error) => reject(signal?.aborted ? signal.reason : notInstalled(tool, error)))
    child.on('close', (code) => (code === 0 ? resolve() : reject(unreadable(new Error(words)))))
  })
  // It is awaited after the output was read; until then a failure must not count as unhandled.
  ended.catch(() => undefined)
  return { stdout: child.stdout, ended }
}

/** A stream in pieces of one size; what is left over at the end is dropped. */
async function* pieces(stream: Readable, size: number): AsyncGenerator<Uint8Array> {
  let piece = new Uint8Array(size)
  let filled = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let at = 0
    while (at < chunk.length) {
      const count = Math.min(size - filled, chunk.length - at)
      piece.set(chunk.subarray(at, at + count), filled)
      filled += count
      at += count
      if (filled < size) continue
      yield piece
      piece = new Uint8Array(size)
      filled = 0
    }
  }
}

function unreadable(cause?: unknown): QvlError {
  return new QvlError('MEDIA_INVALID', {
    what: 'The video cannot be read.',
    why: 'It is damaged, cut off, or holds no frames that this ffmpeg decodes.',
    do: 'Convert it to MP4 (H.264), or send a list of frames.',
    cause,
  })
}

function tooLarge({ width, height }: Size): QvlError {
  return new QvlError('MEDIA_TOO_LARGE', {
    what: `The video is ${width} by ${height} pixels.`,
    why: `At most ${maxFramePixels} pixels a frame are decoded.`,
    do: 'Send it smaller.',
  })
}

function notInstalled(tool: string, cause: unknown): QvlError {
  return new QvlError('DEVICE_UNAVAILABLE', {
    what: 'Videos cannot be read here.',
    why: `The program ${tool} is not installed, and video files are decoded by it.`,
    do: 'Install ffmpeg, name it with --ffmpeg-path, or send a list of frames.',
    cause,
  })
}
