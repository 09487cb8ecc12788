// `qvl embed`: one vector for each line.

import { asEmbedding } from '../offline/item.js'
import { runEmbedFile } from '../offline/run-file.js'
import type { Context } from './context.js'
import { runLines } from './lines-command.js'
import { vectorTable } from './table.js'

export function embed(context: Context): Promise<number> {
  const { text } = context.settings
  return runLines(context, {
    name: 'embed',
    lines: text,
    run: runEmbedFile,
    table: (answered, layout) => {
      const rows = answered.map(({ answers, item }) => ({
        text: text[item.index]!,
        vector: asEmbedding(answers[0]).vector,
      }))
      return vectorTable(rows, layout)
    },
  })
}
