// Lines of `qvl score`: `{"id"?, "query", "documents", "instruction"?, "top_n"?}` in, `{"id"|"index", "results", "usage"}` out.

import { Fields } from '../api/fields.js'
import { wireFloat } from '../api/floats.js'
import { parseRerank, rank } from '../api/rerank.js'
import {
  type Asked,
  asScores,
  checkId,
  type LineContext,
  type LineForm,
  lineFailure,
  lineName,
  lineSettings,
  lineUsage,
} from './item.js'
import { withSampling } from './sampling.js'

export function scoreLine(value: unknown, index: number, context: LineContext): LineForm {
  const name = lineName(value, index)
  return {
    failure: (error) => lineFailure(name, error),
    ask(): Asked {
      const fields = new Fields(value, '')
      checkId(fields)
      const { request, topN } = parseRerank(value, '', lineSettings(context))
      return {
        requests: [{ kind: 'score', request: withSampling(request, fields) }],
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
