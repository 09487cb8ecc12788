// The process that one question is answered in: it gets the question, sends the reply, and ends.

import { asQvlError } from '../../errors.js'
import { answerTo, type Question } from './questions.js'

process.once('message', async (question: Question) => {
  const reply = await answerTo(question).then(
    (answer) => ({ answer }),
    (error: unknown) => {
      const { what, why, do: todo } = asQvlError(error).details
      return { failed: { what, why, do: todo } }
    },
  )
  // Native code gives back what it holds when the process ends by itself.
  process.send?.(reply, undefined, undefined, () => process.disconnect())
})
