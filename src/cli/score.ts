// `qvl score`: relevance of documents to a query, for each line.

import { QvlError } from '../errors.js'
import { asScores } from '../offline/item.js'
import { runScoreFile } from '../offline/run-file.js'
import type { Context } from './context.js'
import { runLines } from './lines-command.js'
import type { Settings } from './settings.js'
import { scoreTable } from './table.js'

export function score(context: Context): Promise<number> {
  const { settings } = context
  const query = queryFromFlags(settings)
  return runLines(context, {
    name: 'score',
    lines: query === undefined ? [] : [query],
    run: runScoreFile,
    table: ([answered], layout) => {
      const { scores } = asScores(answered?.answers[0])
      return scoreTable({ documents: settings.document, scores, topN: settings['top-n'] || undefined }, layout)
    },
  })
}

/** The input line that --query and --document stand for. */
function queryFromFlags({ query, document }: Settings): object | undefined {
  if (query === undefined && document.length === 0) return undefined
  if (query !== undefined && document.length > 0) return { query, documents: document }
  throw new QvlError('USAGE', {
    what: query === undefined ? '--document is given without --query.' : '--query is given without --document.',
    why: 'A score belongs to a pair of the two.',
    do: 'Give one --query and at least one --document, or a file of lines.',
    param: query === undefined ? '--query' : '--document',
  })
}
