// What help says about each command besides its flags.

import type { CommandName } from './flag.js'

export interface CommandText {
  /** What follows the name of the command. */
  usage: string
  examples: readonly string[]
  /** What it does, within 80 columns. */
  summary: string
  /** After the flags. */
  notes?: string
  exits: readonly string[]
}

const failed = '1 failed, 2 wrong usage'
const signals = '130 Ctrl-C, 143 SIGTERM'
const lineExits = [`0 done, ${failed}, 3 unfit model, 4 some lines failed,`, signals]
const plainExits = [`0 done, ${failed}, ${signals}`]
const modelExits = [`0 done, ${failed}, 3 unfit model, ${signals}`]

const streams = 'Results go to stdout, everything else to stderr.'

/** A command that is not built yet has its text here already. */
export const commandTexts: Record<CommandName | 'top' | 'doctor' | 'compile', CommandText> = {
  score: {
    usage: '[queries.jsonl] [flags]',
    examples: [
      'qvl score --query "capital of China?" --document "It is Beijing."',
      'qvl score queries.jsonl -o scores.jsonl -m Qwen/Qwen3-Reranker-0.6B',
    ],
    summary: `Scores how well documents answer a query.

Each line: {"id"?, "query", "documents": [...], "instruction"?, "top_n"?}
           A query or document is a string, {"text"?, "image"?, "video"?},
           {"content": [...]} or a list of content parts.
Answer:    {"id"|"index", "results": [{"index", "relevance_score"}...],
           "usage"}, best first
vLLM batch lines (custom_id, method, url, body) are answered in their format.`,
    notes: `No file, or -, reads stdin. ${streams}`,
    exits: lineExits,
  },
  embed: {
    usage: '[input.jsonl] [flags]',
    examples: [
      'qvl embed --text "It is Beijing." -m Qwen/Qwen3-Embedding-0.6B',
      'qvl embed input.jsonl -o vectors.jsonl -m Qwen/Qwen3-VL-Embedding-2B',
      'qvl embed input.jsonl -o vectors.npy --format npy --resume',
    ],
    summary: `Turns texts, images and videos into vectors.

Each line: a JSON string, or
           {"id"?, "text"?, "image"?, "video"?, "instruction"?, "dimensions"?},
           or {"input"|"content"|"messages": ...} with content parts.
           Paths begin at the input's folder.
Answer:    {"id"|"index", "embedding": [...], "usage"}
vLLM and OpenAI batch lines (custom_id, method, url, body) are answered in their
format.`,
    notes: `No file, or -, reads stdin. ${streams}`,
    exits: lineExits,
  },
  serve: {
    usage: 'MODEL [flags]',
    examples: [
      'qvl serve Qwen/Qwen3-VL-Reranker-2B',
      'qvl serve Qwen/Qwen3-Embedding-0.6B --port 9000 --api-key-file keys.txt',
      'qvl serve --help=limits          one group of flags, or one flag',
    ],
    summary: `Serves a model over HTTP, as vLLM does: /v1/embeddings, /v1/rerank, /v1/score,
/pooling, /docs and more, at http://127.0.0.1:8000 unless told otherwise.

SIGTERM makes it finish what is in flight; a second signal ends it at once.
SIGHUP makes it read --api-key-file again.`,
    notes: 'The log goes to stderr.',
    exits: [
      '0 after a signal, with all answered; 1 failed, or the address is taken;',
      '2 wrong usage; 3 unfit model; 130 and 143 when a signal cut requests off or',
      'came before the model was loaded',
    ],
  },
  top: {
    usage: '[URL] [flags]',
    examples: ['qvl top', 'qvl top http://gpu-box:8000'],
    summary: `Shows what a running server does, live: requests, tokens a second, latencies,
caches and errors, read from its metrics.`,
    exits: plainExits,
  },
  'bench throughput': {
    usage: '--model MODEL [flags]',
    examples: [
      'qvl bench throughput -m Qwen/Qwen3-Embedding-0.6B',
      'qvl bench throughput -m Qwen/Qwen3-Reranker-0.6B --dtype float32',
    ],
    summary: `Measures how fast this machine computes a model: no HTTP in between.

The report has tokens and requests a second, the rate of matrix products and its
share of the machine's peak, load times and memory.`,
    notes: 'The report goes to stdout, everything else to stderr.',
    exits: modelExits,
  },
  'bench serve': {
    usage: '[flags]',
    examples: [
      'qvl bench serve --backend openai-embeddings --num-prompts 200',
      'qvl bench serve --backend vllm-rerank --base-url http://gpu-box:8000',
    ],
    summary: `Sends embedding or rerank requests to a server and reports how fast it answers.

The prompts are those of vllm bench serve with the same seed and tokenizer, and
so is the report; failures by reason, tokens saved and a histogram of latencies
follow it.`,
    notes: 'The report goes to stdout, progress and errors to stderr.',
    exits: ['0 all requests succeeded, 1 none did, 2 wrong usage, 3 unfit model,', `4 some failed, ${signals}`],
  },
  models: {
    usage: '[flags]',
    examples: [
      'qvl models',
      'qvl models pull Qwen/Qwen3-VL-Reranker-2B',
      'qvl models verify',
      'qvl models remove Qwen/Qwen3-Reranker-0.6B',
    ],
    summary: `Lists the models in the Hugging Face cache: revision, size, what each is for,
whether qvl runs it, and the packed forms kept for quick starts. ModelScope's
cache is listed with VLLM_USE_MODELSCOPE=1.`,
    exits: plainExits,
  },
  'models pull': {
    usage: 'ID... [flags]',
    examples: [
      'qvl models pull Qwen/Qwen3-VL-Reranker-2B',
      'qvl models pull Qwen/Qwen3-Embedding-0.6B --revision main',
    ],
    summary: `Fetches models into the cache, so that they start at once and without a network.
What a cut download left is continued.`,
    exits: modelExits,
  },
  'models remove': {
    usage: 'ID... [flags]',
    examples: [
      'qvl models remove Qwen/Qwen3-Reranker-0.6B',
      'qvl models remove Qwen/Qwen3-Reranker-0.6B --revision main --yes',
    ],
    summary: `Removes models from the cache, with their packed forms. With --revision, only
that revision goes, and what others share with it stays. It asks first on a
terminal; scripts say --yes.`,
    exits: modelExits,
  },
  'models verify': {
    usage: '[ID...] [flags]',
    examples: ['qvl models verify', 'qvl models verify Qwen/Qwen3-VL-Reranker-2B --json'],
    summary: `Reads every file of the cached models and compares it with the hash or size that
the hub gave; checks the headers of weights and of packed forms.`,
    exits: [`0 all sound, ${failed}, 3 something is damaged or missing,`, signals],
  },
  config: {
    usage: '[COMMAND] [flags of that command]',
    examples: ['qvl config', 'qvl config embed --dtype float32', 'qvl config --for serve --config server.yaml --json'],
    summary: `Shows every setting that a command would have here, and where it comes from: a
flag, a variable, the config file or the default. Put config before a command
line to see what it means. Keys are not shown.`,
    exits: plainExits,
  },
  completion: {
    usage: 'bash|zsh|fish',
    examples: [
      'eval "$(qvl completion bash)"                           in ~/.bashrc',
      'eval "$(qvl completion zsh)"                            in ~/.zshrc',
      'qvl completion fish > ~/.config/fish/completions/qvl.fish',
    ],
    summary: `Prints a script that completes commands, flags, choices, files and the names of
cached models in a shell.`,
    exits: plainExits,
  },
  doctor: {
    usage: '[flags]',
    examples: ['qvl doctor'],
    summary: 'Checks what this machine can run, and says what is missing and how to get it.',
    exits: [`0 all is well, ${failed}, ${signals}`],
  },
  compile: {
    usage: 'MODEL [flags]',
    examples: ['qvl compile Qwen/Qwen3-Embedding-0.6B --soc-version Ascend910B4'],
    summary: `Makes what an Ascend NPU runs from a checkpoint, once, before serving. It needs
atc of the Ascend toolkit (CANN) and takes minutes; it needs no NPU. What was
compiled is kept in the cache of qvl, and found there by --device npu.`,
    notes: 'What was made goes to stdout, everything else to stderr.',
    exits: modelExits,
  },
}
