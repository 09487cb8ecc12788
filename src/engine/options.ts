// What an engine is opened with.

import type { DeviceName, LoadOptions } from '../devices/device.js'
import type { Pooling } from '../prompts/prompt.js'
import type { BatchReport, VisualSettings } from './requests.js'
import type { UpstreamOptions } from './upstream/options.js'

export interface EngineOptions {
  /** A folder, or a hub id. */
  model: string
  /** What errors of requests call the model (default: as it was given). */
  name?: string | undefined
  revision?: string | undefined
  downloadDir?: string | undefined
  /** `auto` (default): cpu where this installation has it, else ort. */
  device?: DeviceName | 'auto' | undefined
  /** Devices that serve one queue, where there are several of a kind (default 1): npu. */
  dataParallelSize?: number | undefined
  threads?: number | undefined
  /**
   * Number type of matrix products; when absent the device's own choice, and float32 for encoders that are not stored in
   * bfloat16.
   */
  dtype?: LoadOptions['dtype']
  quantization?: LoadOptions['quantization']
  maxModelLen?: number | undefined
  maxNumBatchedTokens?: number | undefined
  maxNumSeqs?: number | undefined
  /** `fcfs` (default) shares the device among requests in turn; `priority` serves lower numbers first. */
  schedulingPolicy?: 'fcfs' | 'priority' | undefined
  /** Compute a prefix that prompts of a batch have in common once (default true). */
  enablePrefixCaching?: boolean | undefined
  /**
   * Memory for prefixes kept from batch to batch; 0 (default) keeps none, and then the same tasks give the same bits
   * whatever came before.
   */
  prefixCacheBytes?: number | undefined
  /** vLLM's --hf-overrides, merged into config.json. */
  hfOverrides?: Record<string, unknown> | undefined
  /** vLLM's --convert: settles what a checkpoint is when its content does not. */
  convert?: 'auto' | 'embed' | 'classify' | undefined
  /** Text of a score template (Jinja) to use instead of the official format. */
  chatTemplate?: { name: string; text: string } | undefined
  /** What embedding requests mean that do not say (default `official`). */
  promptFormat?: 'official' | 'raw' | undefined
  /** The prompt of embedding requests that name none: one of the checkpoint's, or `query` or `document`. */
  defaultPrompt?: string | undefined
  /** How an encoder makes a vector of its tokens', in place of what the checkpoint says. */
  pooling?: Pooling | undefined
  /** Score pairs by the vectors of their tokens (MaxSim); what the checkpoint says when absent. */
  lateInteraction?: boolean | undefined
  specialTokensInText?: 'literal' | 'parse' | undefined
  media?: MediaOptions | undefined
  /** Replicas that compute in place of a device here. */
  upstream?: UpstreamOptions | undefined
  /** Warnings for people, each at most once; but every time that a device is lost, and that it is back. */
  warn?: ((message: string) => void) | undefined
  /** Told when everything is read and the weights are brought into the form of the device. */
  onPack?: (() => void) | undefined
  /** Told of every batch. */
  onBatch?: ((report: BatchReport) => void) | undefined
  /** Ends a download. */
  signal?: AbortSignal | undefined
  /** Download progress. */
  onDownload?:
    | ((event: { file: string; received: number; total: number | undefined; files: number; done: number }) => void)
    | undefined
}

/** Where media come from and how large they may be. */
export interface MediaOptions {
  /** Hosts that may be fetched from; any public one when empty. */
  allowedDomains?: readonly string[] | undefined
  /** Networks that may be fetched from although they are not public, as CIDR. */
  allowedNetworks?: readonly string[] | undefined
  /** Folders whose files may be read, and what relative paths are relative to. */
  localRoots?: readonly string[] | undefined
  localBase?: string | undefined
  fetchTimeoutMs?: number | undefined
  image?: VisualSettings['image']
  video?: VisualSettings['video']
  /** Most images and videos of one content; 0 refuses them. */
  limitPerPrompt?: { image?: number; video?: number } | undefined
  /** Memory for the features of images seen before. */
  cacheBytes?: number | undefined
  /** Path or name of ffmpeg. */
  ffmpeg?: string | undefined
}
