// Options of the library: written out, so that the types a program sees name nothing inside qvl. The names are those of
// the flags and fields of the server.

/** How a model is opened. */
export interface OpenOptions {
  /** A folder with a checkpoint, or an id of the hub such as `Qwen/Qwen3-Embedding-0.6B`. */
  model: string
  /** A branch, tag or commit of the hub's repository (default `main`). */
  revision?: string | undefined
  /** Where downloads are kept (default: the cache that Python uses too). */
  downloadDir?: string | undefined
  /** `auto` (default): `cpu` where this installation has its native code, else `ort`. */
  device?: 'auto' | 'cpu' | 'ort' | 'npu' | 'reference' | undefined
  /** Threads for the arithmetic (default: one for each physical core that the process may use). */
  threads?: number | undefined
  /** Number type of the matrix products (default `auto`: that of the checkpoint where the device can). */
  dtype?: 'auto' | 'float32' | 'bfloat16' | 'float16' | undefined
  quantization?: 'int8' | undefined
  /** The longest prompt in tokens; -1 (default) is the checkpoint's limit, up to 32,768. */
  maxModelLen?: number | undefined
  /** Tokens computed in one batch (default 8,192). */
  maxNumBatchedTokens?: number | undefined
  /**
   * Memory for the beginnings of prompts, kept from call to call. With 0 (default) the same call gives the same bits
   * whatever came before; a query is computed once for all documents of its call anyway.
   */
  prefixCacheBytes?: number | undefined
  /** What a text to embed is: put into the model's own prompt (`official`, default), or the whole prompt (`raw`). */
  promptFormat?: 'official' | 'raw' | undefined
  /** Name of the prompt for embeddings that name none. */
  defaultPrompt?: string | undefined
  /** The text of a Jinja template for pairs, in place of the official format. */
  chatTemplate?: string | undefined
  /** Settles what a checkpoint is when its files do not. */
  convert?: 'auto' | 'embed' | 'classify' | undefined
  /** How an encoder makes one vector of its tokens', in place of what the checkpoint says. */
  pooling?: 'first' | 'last' | 'mean' | undefined
  /** Merged into config.json. */
  hfOverrides?: Record<string, unknown> | undefined
  media?: MediaOptions | undefined
  /** Ends a download. */
  signal?: AbortSignal | undefined
  /** Told how a download goes on. */
  onDownload?: ((progress: DownloadProgress) => void) | undefined
  /** Told, a sentence at a time, of what is odd and still works (default: `process.emitWarning`). */
  onWarning?: ((message: string) => void) | undefined
}

export interface DownloadProgress {
  file: string
  /** Bytes of this file, and its size where the hub says it. */
  received: number
  total: number | undefined
  /** Files to fetch, and how many are done. */
  files: number
  done: number
}

/** Where images and videos come from. Bytes that a program hands over are always taken. */
export interface MediaOptions {
  /** Folders whose files may be read (default: the working folder at the time of opening). */
  localRoots?: readonly string[] | undefined
  /** Hosts that may be fetched from (default: all with public addresses). */
  allowedDomains?: readonly string[] | undefined
  /** Networks that may be fetched from although they are not public, such as `10.1.0.0/16`. */
  allowedNetworks?: readonly string[] | undefined
  /** For one image or video (default 15,000). */
  fetchTimeoutMs?: number | undefined
  image?: ImageOptions | undefined
  video?: VideoOptions | undefined
  /** Most images and videos of one input (default 64 and 8). */
  limitPerPrompt?: { image?: number; video?: number } | undefined
  /** Memory for the features of images seen before (default 1 GiB). */
  cacheBytes?: number | undefined
  /** Path or name of ffmpeg, with ffprobe beside it; video files need them. */
  ffmpeg?: string | undefined
}

/** Pixels that an image is resized to. */
export interface ImageOptions {
  minPixels?: number
  maxPixels?: number
}

/** Which frames of a video are looked at. */
export interface VideoOptions {
  fps?: number
  minFrames?: number
  maxFrames?: number
  /** Of all frames together. */
  totalPixels?: number
}

/** Options of every call. */
export interface CallOptions {
  /** Ends the call, which rejects with the signal's reason; what has not begun is not computed. */
  signal?: AbortSignal | undefined
  /** What the model is asked to do, where its prompt has a place for that. */
  instruction?: string | undefined
  /** Cut long prompts to so many tokens instead of refusing them; -1 means the model's limit. */
  truncatePromptTokens?: number | undefined
  /** Which end of the text goes (default `right`, the end). The prompt's own tail always stays. */
  truncationSide?: 'left' | 'right' | undefined
  /** How this call's images and videos are looked at, over what the model was opened with. */
  image?: ImageOptions | undefined
  video?: VideoOptions | undefined
}

export interface EmbedOptions extends CallOptions {
  /** For models whose queries and documents differ (default: an instruction makes a query). */
  role?: 'query' | 'document' | undefined
  /** One of `model.promptNames`, in place of what the role would choose. */
  promptName?: string | undefined
  /** Over what the model was opened with. */
  promptFormat?: 'official' | 'raw' | undefined
  /** Keep the first so many components, then normalise. */
  dimensions?: number | undefined
  /** L2-normalise (default true, except for models whose files say that they do not). */
  useActivation?: boolean | undefined
}

export interface ScoreOptions extends CallOptions {
  /** Cut the query, or each document, to so many tokens before the prompt is put around them. */
  maxTokensPerQuery?: number | undefined
  maxTokensPerDoc?: number | undefined
  /** Probabilities (default true) rather than raw logits. */
  useActivation?: boolean | undefined
}

export interface RerankOptions extends ScoreOptions {
  /** Only the best so many (default: all). */
  topN?: number | undefined
}
