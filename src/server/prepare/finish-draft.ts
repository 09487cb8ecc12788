// From a draft to its tasks: templates and tokens.

import { checkMaxTokens } from '../../api/cohere-embed.js'
import { renderDetokenize, renderTokenize, type TokenizeBody } from '../../api/tokenize.js'
import type { EmbedTask, Preparer } from '../../engine/requests.js'
import type { Visuals } from '../../prompts/visuals.js'
import type { Draft } from './draft.js'
import { JsonTexts } from './json-texts.js'
import type { Prepared } from './prepared.js'

/** @param visuals of the images and videos, by reference. Throws what a preparer throws. */
export function finishDraft(draft: Draft, preparer: Preparer, visuals?: Visuals): Prepared {
  const { priority, cacheSalt } = draft
  const common = { priority, cacheSalt }
  switch (draft.kind) {
    case 'embeddings':
    case 'cohereEmbed':
    case 'teiEmbed':
      return { ...shaped(draft, embedTasks(draft, preparer, visuals)), ...common }
    case 'rerank': {
      const { kind, requests, shape, texts } = draft
      return {
        kind,
        tasks: requests.map((request) => preparer.score({ ...request, visuals })),
        shape,
        texts,
        ...common,
      }
    }
    case 'score': {
      const { kind, requests } = draft
      return { kind, tasks: requests.map((request) => preparer.score({ ...request, visuals })), ...common }
    }
    case 'classify': {
      const { kind, requests } = draft
      return { kind, tasks: requests.map((request) => preparer.classify({ ...request, visuals })), ...common }
    }
    case 'pooling':
      return { kind: draft.kind, tasks: poolingTasks(draft, preparer, visuals), shape: draft.shape, ...common }
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

const embedTasks = ({ requests }: Embeds, preparer: Preparer, visuals: Visuals | undefined): EmbedTask[] =>
  requests.map((request) => preparer.embed({ ...request, visuals }))

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

function poolingTasks(draft: Pooling, preparer: Preparer, visuals: Visuals | undefined) {
  switch (draft.task) {
    case 'embed':
      return draft.requests.map((request) => preparer.embed({ ...request, visuals }))
    case 'token_embed':
      return draft.requests.map((request) => preparer.tokenEmbed({ ...request, visuals }))
    case 'classify':
      return draft.requests.map((request) => preparer.classify({ ...request, visuals }))
    default:
      return draft satisfies never
  }
}

function tokenized({ text, addSpecialTokens, returnTokenStrs }: TokenizeBody, preparer: Preparer): JsonTexts {
  const { ids, tokens } = preparer.tokenize(text, { addSpecialTokens })
  return JsonTexts.of([...renderTokenize(preparer.model.maxModelLen, ids, returnTokenStrs ? tokens : undefined)])
}
