// The syntax tree that @huggingface/jinja builds.

export interface Identifier {
  type: 'Identifier'
  value: string
}

export interface CallExpression {
  type: 'CallExpression'
  callee: Node
  args: Node[]
}

export interface KeywordArgument {
  type: 'KeywordArgumentExpression'
  key: Identifier
  value: Node
}

export interface Slice {
  type: 'SliceExpression'
  start?: Node
  stop?: Node
  step?: Node
}

export interface For {
  type: 'For'
  loopvar: Node
  iterable: Node
  body: Node[]
  defaultBlock: Node[]
}

export interface Member {
  type: 'MemberExpression'
  object: Node
  property: Node
  computed: boolean
}

export interface Macro {
  type: 'Macro'
  name: Identifier
  args: Node[]
  body: Node[]
}

export interface CallStatement {
  type: 'CallStatement'
  call: CallExpression
  callerArgs: Node[] | null
  body: Node[]
}

export interface Assignment {
  type: 'Set'
  assignee: Node
  value: Node | null
  body: Node[]
}

export type FilterCall = Identifier | CallExpression

export type Node =
  | { type: 'Program'; body: Node[] }
  | { type: 'If'; test: Node; body: Node[]; alternate: Node[] }
  | For
  | { type: 'Break' | 'Continue' | 'Comment' }
  | Assignment
  | Macro
  | CallStatement
  | { type: 'FilterStatement'; filter: FilterCall; body: Node[] }
  | Member
  | CallExpression
  | Identifier
  | { type: 'IntegerLiteral' | 'FloatLiteral'; value: number }
  | { type: 'StringLiteral'; value: string }
  | { type: 'ArrayLiteral' | 'TupleLiteral'; value: Node[] }
  | { type: 'ObjectLiteral'; value: Map<Node, Node> }
  | { type: 'BinaryExpression'; operator: { value: string }; left: Node; right: Node }
  | { type: 'UnaryExpression'; operator: { value: string }; argument: Node }
  | { type: 'FilterExpression'; operand: Node; filter: FilterCall }
  | { type: 'TestExpression'; operand: Node; negate: boolean; test: Identifier }
  | { type: 'SelectExpression'; lhs: Node; test: Node }
  | { type: 'Ternary'; condition: Node; trueExpr: Node; falseExpr: Node }
  | Slice
  | KeywordArgument
  | { type: 'SpreadExpression' | 'KeywordSpreadExpression'; argument: Node }
