// The chat markup and the sentences that the Qwen3 prompt formats have in common.

/** Ends the user's turn and opens the assistant's; the newline is the token that the VL models pool. */
export const generationPrompt = '<|im_end|>\n<|im_start|>assistant\n'

/** What follows the text of a Qwen3-Reranker prompt: the generation prompt and an empty think block. */
export const emptyThinkPrompt = `${generationPrompt}<think>\n\n</think>\n\n`

/** A system turn with this text, up to where the user's text starts. */
export const systemTurn = (text: string): string => `<|im_start|>system\n${text}${systemEnd}`

/** Between the system text and the user's text. */
export const systemEnd = '<|im_end|>\n<|im_start|>user\n'

/** The system turn of both rerankers. */
export const judgeTurn = systemTurn(
  'Judge whether the Document meets the requirements based on the Query and the Instruct provided. ' +
    'Note that the answer can only be "yes" or "no".',
)

/** The official task of Qwen3-Embedding and Qwen3-Reranker. */
export const webSearchTask = 'Given a web search query, retrieve relevant passages that answer the query'
