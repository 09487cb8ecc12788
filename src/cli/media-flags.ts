// The flags about images and videos, named as vLLM's where it has them, as part of the table in flags.ts.

import type { CommandName, Flag } from './flag.js'

const commands: readonly CommandName[] = ['score', 'embed', 'serve']
const media = { group: 'Media', commands } as const

export const mediaFlags = [
  {
    ...media,
    name: 'allowed-local-media-path',
    type: 'list',
    value: 'DIR',
    help: 'files below this folder may be read by path or file: URL; repeat it for more',
  },
  {
    ...media,
    name: 'allowed-media-domains',
    type: 'list',
    many: true,
    value: 'HOST...',
    help: 'fetch from these hosts only (default: any public one)',
  },
  {
    ...media,
    name: 'allowed-media-networks',
    type: 'list',
    many: true,
    value: 'CIDR...',
    help: 'networks to fetch from although they are not public, such as 10.1.0.0/16',
  },
  {
    ...media,
    name: 'media-fetch-timeout',
    type: 'number',
    min: 0.001,
    max: 3_600,
    value: 'SECONDS',
    alsoFrom: 'VLLM_IMAGE_FETCH_TIMEOUT',
    help: 'for one image or video from the network (default 15; also VLLM_IMAGE_FETCH_TIMEOUT)',
  },
  {
    ...media,
    name: 'limit-mm-per-prompt',
    type: 'json',
    value: 'JSON',
    orNone: true,
    help: 'most images and videos of one text or document (default {"image": 64, "video": 8})',
  },
  {
    ...media,
    name: 'mm-processor-kwargs',
    type: 'json',
    value: 'JSON',
    orNone: true,
    help: 'min_pixels and max_pixels of an image (default 4096 and 1843200); fps, max_frames, total_pixels',
  },
  {
    ...media,
    name: 'media-io-kwargs',
    type: 'json',
    value: 'JSON',
    orNone: true,
    help: 'which frames of a video are looked at, as {"video": {"num_frames": 32, "fps": 1}}',
  },
  {
    ...media,
    name: 'mm-processor-cache-gb',
    type: 'number',
    min: 0,
    max: 65_536,
    value: 'GIB',
    help: 'memory for images seen before (default 1, or 1/16 of the memory); 0 keeps none',
  },
  {
    ...media,
    name: 'ffmpeg-path',
    commands: [...commands, 'doctor'],
    type: 'string',
    value: 'FILE',
    orNone: true,
    help: 'ffmpeg for video files, with ffprobe beside it (default: from PATH)',
  },
  { ...media, name: 'language-model-only', type: 'bool', help: 'take no images and videos, and load nothing for them' },
] as const satisfies readonly Flag[]
