// What `qvl`, `qvl --version` and `qvl <command> --help` print.

import { readFileSync } from 'node:fs'
import { commandHelp } from './command-options.js'
import type { CommandName } from './flag.js'

/** `qvl` alone: short, with the examples first. */
export const overview = `qvl score --query "capital of China?" --document "It is Beijing." --document "Apples fall."
qvl embed texts.jsonl -o vectors.jsonl --model Qwen/Qwen3-Embedding-0.6B

Runs Qwen3-VL and Qwen3 embedding and reranking models from their Hugging Face files.

  qvl score [queries.jsonl]   relevance of documents to a query
  qvl embed [input.jsonl]     one vector for each text
  qvl serve MODEL             an HTTP server with the API of vLLM
  qvl bench serve|throughput  how fast a server answers; how fast a model runs on this machine

qvl <command> --help lists all flags, qvl --version the version. No file, or -, reads stdin; results go to stdout.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 unfit model, 4 some lines failed, 130 Ctrl-C, 143 SIGTERM.
`

const aboutFlags = `Every flag has an environment variable (--max-model-len is QVL_MAX_MODEL_LEN) and a config-file key (max-model-len);
the command line comes first, then the environment, then the config file. Names may be shortened while they are unique.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 unfit model, 4 finished with failed lines, 130 Ctrl-C, 143 SIGTERM.
More: README.md
`

const lines: Record<CommandName, { usage: string; summary: string; after: string }> = {
  score: {
    usage: '[queries.jsonl] [flags]',
    summary: `Scores how well documents answer a query.

Each input line: {"id"?, "query", "documents": [...], "instruction"?, "top_n"?}
Query, document: a string, {"text"?, "image"?, "video"?}, {"content": [...]} or a list of content parts
Each answer:     {"id"|"index", "results": [{"index", "relevance_score"}...], "usage"}, best first
vLLM batch lines (custom_id, method, url, body) are answered in their own format.`,
    after: afterFlags('queries.jsonl'),
  },
  embed: {
    usage: '[input.jsonl] [flags]',
    summary: `Turns texts, images and videos into vectors.

Each input line: a JSON string, or {"id"?, "text"?, "image"?, "video"?, "instruction"?, "dimensions"?};
                 or {"input"|"content"|"messages": ...} with content parts. Paths begin at the input's folder.
Each answer:     {"id"|"index", "embedding": [...], "usage"}
vLLM and OpenAI batch lines (custom_id, method, url, body) are answered in their own format.`,
    after: afterFlags('input.jsonl'),
  },
  serve: {
    usage: 'MODEL [flags]',
    summary: `Serves a model over HTTP, as vLLM does: /v1/embeddings, /v1/rerank, /v1/score, /pooling, /docs and more.

It listens at http://127.0.0.1:8000 unless --host and --port say otherwise.
SIGTERM makes it finish what is in flight; a second signal ends it at once.`,
    after: `The log goes to stderr. Exit codes: 0 after a signal and all answered, 1 failed or the address is taken,
2 wrong usage, 3 unfit model, 130 and 143 when a signal cut requests off or came before the model was loaded.\n${aboutFlags}`,
  },
  'bench throughput': {
    usage: '--model MODEL [flags]',
    summary: `Measures how fast this machine computes a model: random token ids, no prompts, tokenizer or HTTP.

The report has tokens and requests a second, the rate of matrix products and its share of the
machine's peak, load times and memory.`,
    after: `The report goes to stdout, everything else to stderr.\n${aboutFlags}`,
  },
  'bench serve': {
    usage: '[flags]',
    summary: `Sends embedding or rerank requests to a server and reports how fast it answers.

The prompts are those of vllm bench serve with the same seed and tokenizer, and so is the report;
failures by reason, tokens saved and a histogram of latencies follow it.`,
    after: `The report goes to stdout, progress and errors to stderr. The exit code is 0 when all requests succeeded,
4 when some failed, 1 when all did.\n${aboutFlags}`,
  },
}

export const helpOf = (command: CommandName): string => commandHelp(command, lines[command])

export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const { version }: { version: string } = JSON.parse(text)
  return version
}

function afterFlags(input: string): string {
  return `No ${input}, or -, reads stdin. Results go to stdout unless -o is given, everything else to stderr.\n${aboutFlags}`
}
