// Flags to engine options, with a clear refusal of what this build cannot do.

import { createHash } from 'node:crypto'
import type { DeviceName } from '../devices/device.js'
import { chooseDevice } from '../devices/open-device.js'
import type { EngineOptions } from '../engine/options.js'
import { QvlError } from '../errors.js'
import type { OptionValue } from '../offline/run-state.js'
import { readChatTemplate } from './chat-template.js'
import type { ModelCommandName } from './flag.js'
import { mediaOptions } from './media-options.js'
import type { Settings } from './settings.js'
import { upstreamOptions } from './upstream-flags.js'

/** Used when neither flag, environment nor config file names a model. */
const defaultModels: Record<ModelCommandName, string> = {
  serve: 'Qwen/Qwen3-VL-Embedding-2B',
  score: 'Qwen/Qwen3-VL-Reranker-2B',
  embed: 'Qwen/Qwen3-VL-Embedding-2B',
  'bench throughput': 'Qwen/Qwen3-VL-Embedding-2B',
}

/** `note` is told which device computes where the usual one cannot; relative paths of media begin at `mediaBase`. Throws USAGE. */
export async function engineOptions(
  settings: Settings,
  command: ModelCommandName,
  { note, mediaBase }: { note: (message: string) => void; mediaBase?: string | undefined },
): Promise<EngineOptions> {
  checkRunner(settings.runner)
  const device = chooseDevice(settings.device, note)
  const template = settings['chat-template']
  return {
    model: settings.model ?? defaultModels[command],
    revision: settings.revision,
    downloadDir: settings['download-dir'],
    device,
    dataParallelSize: numDevices(settings['data-parallel-size'], device, note),
    threads: settings.threads,
    dtype: dtypeOf(settings.dtype, device),
    quantization: settings.quantization === 'none' ? undefined : settings.quantization,
    maxModelLen: settings['max-model-len'],
    maxNumBatchedTokens: settings['max-num-batched-tokens'],
    enablePrefixCaching: settings['enable-prefix-caching'],
    hfOverrides: settings['hf-overrides'],
    // vLLM's `none` is no adapter; what the checkpoint is still counts.
    convert: settings.convert === 'none' ? 'auto' : settings.convert,
    chatTemplate: template === undefined ? undefined : await readChatTemplate(template),
    defaultPrompt: settings['default-prompt'],
    specialTokensInText: settings['special-tokens-in-text'],
    media: await mediaOptions(settings, mediaBase),
    upstream: command === 'bench throughput' ? undefined : await upstreamOptions(settings, command, process.env),
  }
}

/** What changes the numbers of a run besides the checkpoint: a resumed run must have the same. */
export function numberSettings(options: EngineOptions): Readonly<Record<string, OptionValue | undefined>> {
  const {
    device,
    dataParallelSize,
    threads,
    dtype,
    quantization,
    enablePrefixCaching,
    maxModelLen,
    maxNumBatchedTokens,
  } = options
  const { convert, specialTokensInText, hfOverrides, chatTemplate, defaultPrompt, media, upstream } = options
  return {
    device: upstream === undefined ? device : 'upstream',
    // Chunks are larger, so batches are others.
    dataParallelSize: dataParallelSize === 1 ? undefined : dataParallelSize,
    threads,
    dtype,
    quantization,
    enablePrefixCaching,
    maxModelLen,
    maxNumBatchedTokens,
    convert,
    defaultPrompt,
    specialTokensInText,
    hfOverrides: hfOverrides && JSON.stringify(hfOverrides),
    imagePixels: media?.image && JSON.stringify(media.image),
    videoSampling: media?.video && JSON.stringify(media.video),
    mediaLimits: media?.limitPerPrompt && JSON.stringify(media.limitPerPrompt),
    chatTemplate: chatTemplate && createHash('sha256').update(chatTemplate.text).digest('hex'),
  }
}

/** A count that does nothing is said to do nothing, as that of other flags from copied command lines. */
function numDevices(
  asked: number | undefined,
  device: DeviceName,
  note: (message: string) => void,
): number | undefined {
  if (asked === undefined || asked === 1 || device === 'npu') return asked
  note(`--data-parallel-size ${asked} has no effect on the device ${device}: one process uses all its cores.`)
  return undefined
}

function dtypeOf(dtype: Settings['dtype'], device: DeviceName): EngineOptions['dtype'] {
  // vLLM's `float` is float32.
  if (dtype === 'float') return 'float32'
  if (dtype !== 'float16' && dtype !== 'half') return dtype
  if (device === 'npu') return 'float16'
  throw new QvlError('USAGE', {
    what: `--dtype ${dtype} is not something the device ${device} computes in.`,
    why: 'Matrix products are computed in float32 or bfloat16; float16 weights are widened without loss.',
    do: 'Use --dtype float32 or bfloat16, or leave the flag out.',
    param: '--dtype',
  })
}

function checkRunner(runner: Settings['runner']): void {
  if (runner === 'auto' || runner === 'pooling') return
  throw new QvlError('USAGE', {
    what: `--runner ${runner} is not something qvl does.`,
    why: 'qvl embeds and scores; it generates no text.',
    do: 'Use --runner pooling, or leave the flag out.',
    param: '--runner',
  })
}
