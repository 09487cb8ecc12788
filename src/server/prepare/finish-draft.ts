// From a draft to its tasks: templates and tokens.

import { checkMaxTokens } from '../../api/cohere-embed.js'
import { renderDetokenize, renderTokenize, type TokenizeBody } from '../../api/tokenize.js'
import type { EmbedTask, Preparer, ScoreRequest, ScoreTask, Task } from '../../engine/requests.js'
import type { Visuals } from '../../prompts/visuals.js'
import type { Draft } from './draft.js'
import { JsonTexts } from './json-texts.js'
import type { Prepared } from './prepared.js'
import { tokenBudget } from './token-budget.js'

export interface FinishOptions {
  /** All prompts of a request together. */
  maxTokens: number
  /** Of the images and videos, by reference. */
  visuals?: Visuals | undefined
}

/** Throws what a preparer throws, and REQUEST_TOO_LARGE as soon as there are too many tokens. */
export function finishDraft(draft: Draft, preparer: Preparer, { maxTokens, visuals }: FinishOptions): Prepared {
  const { priority, cacheSalt } = draft
  const common = { priority, cacheSalt }
  const making = { preparer, visuals, count: tokenBudget(maxTokens) }
  switch (draft.kind) {
    case 'embeddings':
    case 'cohereEmbed':
    case 'teiEmbed':
      return { ...shaped(draft, embedTasks(draft, making)), ...common }
    case 'rerank': {
      const { kind, requests, shape, texts } = draft
      return { kind, tasks: scoreTasks(requests, making), shape, texts, ...common }
    }
    case 'score':
      return { kind: draft.kind, tasks: scoreTasks(draft.requests, making), ...common }
    case 'classify': {
      const { kind, requests } = draft
      const tasks = requests.map((request) => counted(preparer.classify({ ...request, visuals }), making))
      return { kind, tasks, ...common }
    }
    case 'pooling':
      return { kind: draft.kind, tasks: poolingTasks(draft, making), shape: draft.shape, ...common }
    case 'tokenize':
      return { kind: 'answer', tasks: [], texts: tokenized(draft.body, preparer), ...common }
    case 'detokenize': {
      const texts = JsonTexts.of([...renderDetokenize(preparer.detokenize(draft.body.tokens))])
      return { kind: 'answer', tasks: [], texts, ...common }
    }
    default:
      return draft satisfies never
  }
}

type Embeds = Extract<Draft, { kind: 'embeddings' | 'cohereEmbed' | 'teiEmbed' }>
type Pooling = Extract<Draft, { kind: 'pooling' }>
type WithoutEnvelope<Each> = Each extends Prepared ? Omit<Each, 'priority' | 'cacheSalt'> : never

interface Making {
  preparer: Preparer
  visuals: Visuals | undefined
  count: (numTokens: number) => void
}

function counted<Made extends Task>(task: Made, { count }: Making): Made {
  count(task.promptTokens)
  return task
}

const embedTasks = ({ requests }: Embeds, making: Making): EmbedTask[] =>
  requests.map((request) => counted(making.preparer.embed({ ...request, visuals: making.visuals }), making))

const scoreTasks = (requests: readonly ScoreRequest[], { preparer, visuals, count }: Making): ScoreTask[] =>
  requests.map((request) => preparer.score({ ...request, visuals }, { onPrompt: count }))

function shaped(draft: Embeds, tasks: EmbedTask[]): WithoutEnvelope<Extract<Prepared, { kind: Embeds['kind'] }>> {
  switch (draft.kind) {
    case 'embeddings':
      return { kind: draft.kind, tasks, shape: draft.shape }
    case 'teiEmbed':
      return { kind: draft.kind, tasks }
    case 'cohereEmbed': {
      const promptTokens = tasks.map((task) => task.promptTokens)
      checkMaxTokens(draft.shape, promptTokens)
      return { kind: draft.kind, tasks, shape: draft.shape, texts: draft.texts }
    }
    default:
      return draft satisfies never
  }
}

function poolingTasks(draft: Pooling, making: Making) {
  const { preparer, visuals } = making
  switch (draft.task) {
    case 'embed':
      return draft.requests.map((request) => counted(preparer.embed({ ...request, visuals }), making))
    case 'token_embed':
      return draft.requests.map((request) => counted(preparer.tokenEmbed({ ...request, visuals }), making))
    case 'classify':
      return draft.requests.map((request) => counted(preparer.classify({ ...request, visuals }), making))
    default:
      return draft satisfies never
  }
}

function tokenized({ text, addSpecialTokens, returnTokenStrs }: TokenizeBody, preparer: Preparer): JsonTexts {
  const { ids, tokens } = preparer.tokenize(text, { addSpecialTokens })
  return JsonTexts.of([...renderTokenize(preparer.model.maxModelLen, ids, returnTokenStrs ? tokens : undefined)])
}
