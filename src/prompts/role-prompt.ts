// Which of a checkpoint's prompts stands before the texts of a role.

export type Prompts = ReadonlyMap<string, string>

/** The names that sentence-transformers looks for, in this order. */
const roleNames = { query: ['query'], document: ['document', 'passage', 'corpus'] } as const

/** Undefined where the checkpoint has no prompt for the role. */
export const rolePromptName = (prompts: Prompts, role: 'query' | 'document'): string | undefined =>
  roleNames[role].find((name) => prompts.has(name))
