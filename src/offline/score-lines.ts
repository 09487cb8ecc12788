// Lines of `qvl score`: `{"id"?, "query", "documents", "instruction"?, "top_n"?}` in, `{"id"|"index", "results", "usage"}` out.

import { Fields } from '../api/fields.js'
import { wireFloat } from '../api/floats.js'
import { parseRerank, rank } from '../api/rerank.js'
import {
  asScores,
  checkId,
  type LineContext,
  type LineForm,
  lineFailure,
  lineName,
  lineUsage,
  type Work,
} from './item.js'

export function scoreLine(value: unknown, index: number, context: LineContext): LineForm {
  const name = lineName(value, index)
  return {
    failure: (error) => lineFailure(name, error),
    prepare(): Work {
      checkId(new Fields(value, ''))
      const { request, topN } = parseRerank(value, '', context.defaults)
      return {
        tasks: [context.engine.preparer.score(request, { texts: context.explain })],
        render([answer]) {
          const { scores, usage } = asScores(answer)
          const results = rank(scores, topN).map((each) => ({
            index: each.index,
            relevance_score: wireFloat(each.score),
          }))
          return { ...name, results, usage: lineUsage(usage) }
        },
      }
    },
  }
}
