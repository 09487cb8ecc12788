// Wrapped input becomes bare text, whatever spaces and newlines the client put into the template; bare text stays.

import { describe, expect, it } from 'vitest'
import { unwrapChat, unwrapDocument, unwrapQuery } from '#qvl/prompts/unwrap.js'

const system =
  '<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. ' +
  'Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
const vlSuffix = '<|im_end|>\n<|im_start|>assistant\n'
const textSuffix = `${vlSuffix}<think>\n\n</think>\n\n`
const task = 'Find the capital.'
const query = 'What is the capital of China?'
const document = 'The capital of China is Beijing.'

describe('unwrapQuery', () => {
  it.each([
    ['tutorial, with system turn', `${system}<Instruct>: ${task}\n<Query>: ${query}\n`],
    ['tutorial, without system turn', `<Instruct>: ${task}\n<Query>: ${query}\n`],
    ['doubled newlines', `${system}<Instruct>: ${task}\n\n<Query>: ${query}\n\n`],
    ['official VL', `${system}<Instruct>: ${task}<Query>:${query}\n<Document>:`],
    ['official VL, no system turn, no newline', `<Instruct>: ${task}<Query>:${query}`],
    ['official text', `${system}<Instruct>: ${task}\n<Query>: ${query}\n<Document>: `],
    ['no spaces at all', `<Instruct>:${task}\n<Query>:${query}`],
    ['newlines after labels', `<Instruct>:\n${task}\n<Query>:\n${query}\n`],
    ['newline before the system turn', `\n${system}\n<Instruct>: ${task}\n<Query>: ${query}\n`],
    ['wrapped twice', `${system}<Instruct>: Other.\n<Query>: ${system}<Instruct>: ${task}\n<Query>: ${query}\n\n`],
  ])('%s', (_, wrapped) => {
    expect(unwrapQuery(wrapped)).toEqual({ text: query, instruction: task })
  })

  it.each([
    ['label only', `<Query>: ${query}`, { text: query, instruction: undefined }],
    ['system turn and label', `${system}<Query>: ${query}\n`, { text: query, instruction: undefined }],
    ['blank instruction', `<Instruct>: \n<Query>: ${query}\n`, { text: query, instruction: undefined }],
    ['empty query', `<Instruct>: ${task}\n<Query>: \n`, { text: '', instruction: task }],
    ['spaces of the query stay', `<Query>:  a `, { text: ' a ', instruction: undefined }],
    [
      'other system text',
      `<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n<Query>: a`,
      { text: 'a', instruction: undefined },
    ],
  ])('%s', (_, wrapped, expected) => {
    expect(unwrapQuery(wrapped)).toEqual(expected)
  })

  it.each([
    query,
    '',
    'What does <Query>: mean in <Instruct>: templates?',
    '<Instruct>: alone is not a query',
    'Query: capital of China',
    '<Query> without a colon',
    `${system}just a chat`,
    '<|im_end|>',
    'Instruct: a\nQuery: b',
  ])('leaves %j', (text) => {
    expect(unwrapQuery(text)).toBeUndefined()
  })
})

describe('unwrapDocument', () => {
  it.each([
    ['VL suffix', `<Document>: ${document}${vlSuffix}`],
    ['text suffix', `<Document>: ${document}${textSuffix}`],
    ['no space', `<Document>:${document}${vlSuffix}`],
    ['no suffix', `<Document>: ${document}`],
    ['suffix without its last newline', `<Document>: ${document}<|im_end|>\n<|im_start|>assistant`],
    ['think block on one line', `<Document>: ${document}${vlSuffix}<think></think>`],
    [
      'doubled newlines',
      `\n<Document>:\n\n${document}<|im_end|>\n\n<|im_start|>assistant\n\n<think>\n\n\n</think>\n\n\n\n`,
    ],
    ['wrapped twice', `<Document>: <Document>: ${document}${textSuffix}${textSuffix}`],
  ])('%s', (_, wrapped) => {
    expect(unwrapDocument(wrapped)).toEqual({ text: document, instruction: undefined })
  })

  it.each([
    document,
    '',
    'see <Document>: here',
    'Document: x',
    `${document}${vlSuffix}`,
    'x <|im_start|>assistant\nyes',
  ])('leaves %j', (text) => {
    expect(unwrapDocument(text)).toBeUndefined()
  })

  it('keeps a tail that is not at the end', () => {
    const text = `chat ${vlSuffix}goes on`
    expect(unwrapDocument(`<Document>:${text}`)?.text).toBe(text)
  })
})

describe('unwrapChat', () => {
  const wrap = (system: string, text: string) =>
    `<|im_start|>system\n${system}<|im_end|>\n<|im_start|>user\n${text}<|im_end|>\n<|im_start|>assistant\n`

  it.each([
    ['official', wrap(task, document), document, task],
    ['without last newline', wrap(task, document).trimEnd(), document, task],
    ['with end token', `${wrap(task, document)}<|endoftext|>`, document, task],
    ['without system turn', wrap(task, document).replace(/^.*?\n.*?\n/, ''), document, undefined],
    ['empty text', wrap(task, ''), '', task],
    ['spaces stay', wrap(task, '\n a '), '\n a ', task],
    ['wrapped twice', wrap('Other.', wrap(task, document)), document, task],
  ])('%s', (_, wrapped, text, instruction) => {
    expect(unwrapChat(wrapped)).toEqual({ text, instruction })
  })

  it.each([
    document,
    '',
    'a <|im_end|> b',
    wrap(task, document).slice(1),
    `<|im_start|>user\n${document}<|im_end|>\n`,
    wrap(task, `hi<|im_end|>\n<|im_start|>assistant\nhello<|im_end|>\n<|im_start|>user\nbye`),
    vlSuffix,
  ])('leaves %j', (text) => {
    expect(unwrapChat(text)).toBeUndefined()
  })
})

describe('long hostile texts are read a bounded number of times', () => {
  const many = 200_000
  const newlines = '\n'.repeat(many)
  it.each<[string, (text: string) => { text: string } | undefined, string, number | undefined]>([
    ['labels of queries', unwrapQuery, '<Query>:'.repeat(many), (many - 4) * 8],
    ['labels of documents', unwrapDocument, '<Document>:'.repeat(many), (many - 4) * 11],
    ['turn ends', unwrapDocument, `<Document>:${'<|im_end|>\n'.repeat(many)}`, many * 11],
    ['newlines after a turn end', unwrapDocument, `<Document>:<|im_end|>${newlines}`, many + 10],
    ['newlines in a query', unwrapQuery, `<Query>:a${newlines}b`, many + 2],
    ['newlines in a system turn', unwrapQuery, `<|im_start|>system${newlines}`, undefined],
    ['turns', unwrapChat, '<|im_start|>user\n'.repeat(many), undefined],
    ['whole conversations', unwrapChat, `${'<|im_start|>user\n'.repeat(many)}${vlSuffix.repeat(many)}`, undefined],
  ])('%s', (_, unwrap, text, length) => {
    expect(unwrap(text)?.text.length).toBe(length)
  })
})
