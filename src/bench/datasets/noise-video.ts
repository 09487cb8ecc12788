// Pixels as an MP4 in a data URL, by ffmpeg where the system has it.

import { spawn } from 'node:child_process'
import { buffer, text } from 'node:stream/consumers'
import { QvlError } from '../../errors.js'
import type { MediaBucket } from './options.js'
import type { MediaPart } from './request.js'

const framesPerSecond = 30

/** `pixels` has three bytes per pixel, frame by frame. Throws MEDIA_UNSUPPORTED. */
export async function noiseVideo(
  pixels: Uint8Array,
  bucket: MediaBucket,
  signal: AbortSignal | undefined,
): Promise<MediaPart> {
  const encoder = spawn('ffmpeg', commandLine(bucket), { stdio: 'pipe', ...(signal && { signal }) })
  const ended = new Promise<number | null>((resolve, reject) => {
    encoder.on('error', reject)
    encoder.on('close', resolve)
  })
  // A process that ends early closes its input; what it says about that comes from its exit.
  encoder.stdin.on('error', () => undefined)
  encoder.stdin.end(pixels)
  const [status, bytes, messages] = await Promise.all([ended, buffer(encoder.stdout), text(encoder.stderr)]).catch(
    (cause: unknown) => {
      signal?.throwIfAborted()
      throw noEncoder(cause)
    },
  )
  if (status !== 0) throw encodingFailed(messages)
  return { type: 'video_url', video_url: { url: `data:video/mp4;base64,${bytes.toString('base64')}` } }
}

/** MPEG-4 as OpenCV writes it for vLLM; fragments, because a pipe cannot be rewound for the usual index. */
function commandLine({ width, height }: MediaBucket): string[] {
  const input = ['-f', 'rawvideo', '-pixel_format', 'bgr24', '-video_size', `${width}x${height}`]
  const output = ['-c:v', 'mpeg4', '-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4', 'pipe:1']
  return ['-loglevel', 'error', ...input, '-framerate', `${framesPerSecond}`, '-i', 'pipe:0', ...output]
}

function noEncoder(cause: unknown): QvlError {
  return new QvlError('MEDIA_UNSUPPORTED', {
    what: 'Videos cannot be made on this machine.',
    why: 'They are encoded by ffmpeg, which is not installed or cannot be run.',
    do: 'Install ffmpeg, or give --random-mm-bucket-config only sizes with one frame.',
    param: '--random-mm-bucket-config',
    cause,
  })
}

function encodingFailed(messages: string): QvlError {
  return new QvlError('MEDIA_UNSUPPORTED', {
    what: 'A video could not be encoded.',
    why: 'ffmpeg refused the frames.',
    do: 'Check the sizes of --random-mm-bucket-config, or run again with --debug for its message.',
    param: '--random-mm-bucket-config',
    cause: new Error(messages),
  })
}
