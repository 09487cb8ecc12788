// Walks the syntax tree of a template: statements write text, expressions give values.

import type { Budget } from './budget.js'
import { fault } from './fault.js'
import { findFilter } from './filters.js'
import { attribute, subscript } from './methods.js'
import { binary, sliced, unary } from './operators.js'
import { Scope } from './scope.js'
import { findTest } from './tests.js'
import type { Assignment, CallStatement, FilterCall, For, Macro, Member, Node } from './tree.js'
import { type Call, Callable, display, Float, iterate, Namespace, truthy, typeName, type Value } from './values.js'

/** How a block ended: at its end, or at `break` or `continue`. */
type Ending = 'end' | 'break' | 'continue'

/** Text written so far, counted as it grows. */
class Output {
  private readonly parts: string[] = []
  private length = 0

  constructor(private readonly budget: Budget) {}

  write(text: string): void {
    this.length += text.length
    this.budget.limit(this.length)
    this.parts.push(text)
  }

  toString(): string {
    return this.budget.text(this.parts.join(''))
  }
}

export class Interpreter {
  constructor(private readonly budget: Budget) {}

  render(root: Node, scope: Scope): string {
    return root.type === 'Program' ? this.captured(root.body, scope) : fault('It has no body.')
  }

  private captured(body: readonly Node[], scope: Scope): string {
    const out = new Output(this.budget)
    this.block(body, scope, out)
    return out.toString()
  }

  private block(body: readonly Node[], scope: Scope, out: Output): Ending {
    for (const node of body) {
      const ending = this.budget.nested(() => this.statement(node, scope, out))
      if (ending !== 'end') return ending
    }
    return 'end'
  }

  private statement(node: Node, scope: Scope, out: Output): Ending {
    switch (node.type) {
      case 'Comment':
        return 'end'
      case 'Break':
        return 'break'
      case 'Continue':
        return 'continue'
      case 'If':
        return this.block(truthy(this.evaluate(node.test, scope)) ? node.body : node.alternate, scope, out)
      case 'For':
        return this.loop(node, scope, out)
      case 'Set':
        this.assign(node, scope)
        return 'end'
      case 'Macro':
        scope.set(node.name.value, this.macro(node, scope))
        return 'end'
      case 'CallStatement':
        out.write(display(this.callBlock(node, scope), this.budget))
        return 'end'
      case 'FilterStatement':
        out.write(display(this.filtered(this.captured(node.body, scope), node.filter, scope), this.budget))
        return 'end'
      default:
        out.write(display(this.evaluate(node, scope), this.budget))
        return 'end'
    }
  }

  private loop(node: For, scope: Scope, out: Output): Ending {
    const items = this.loopItems(node, scope)
    if (items.length === 0) return this.block(node.defaultBlock, scope, out)
    for (const [i, item] of items.entries()) {
      const inner = new Scope(scope)
      inner.set('loop', this.loopVariable(items, i))
      this.unpack(node.loopvar, item, inner)
      if (this.block(node.body, inner, out) === 'break') break
    }
    return 'end'
  }

  /** `for x in xs if test` loops over the entries that pass. */
  private loopItems(node: For, scope: Scope): Value[] {
    const { iterable } = node
    if (iterable.type !== 'SelectExpression') return iterate(this.evaluate(iterable, scope), this.budget)
    return iterate(this.evaluate(iterable.lhs, scope), this.budget).filter((item) => {
      const inner = new Scope(scope)
      this.unpack(node.loopvar, item, inner)
      return truthy(this.evaluate(iterable.test, inner))
    })
  }

  private loopVariable(items: readonly Value[], i: number): Value {
    return new Map<string, Value>([
      ['index', i + 1],
      ['index0', i],
      ['revindex', items.length - i],
      ['revindex0', items.length - i - 1],
      ['first', i === 0],
      ['last', i === items.length - 1],
      ['length', items.length],
      ['previtem', items[i - 1]],
      ['nextitem', items[i + 1]],
      ['cycle', new Callable((call) => call.args[i % call.args.length])],
    ])
  }

  private unpack(target: Node, value: Value, scope: Scope): void {
    if (target.type === 'Identifier') scope.set(target.value, value)
    else if (target.type === 'MemberExpression') this.setField(target, value, scope)
    else if (target.type === 'TupleLiteral') this.unpackAll(target.value, value, scope)
    else fault('It assigns to something that is not a name.')
  }

  private unpackAll(names: readonly Node[], value: Value, scope: Scope): void {
    const values = iterate(value, this.budget)
    if (values.length !== names.length) fault(`It unpacks ${values.length} values into ${names.length} names.`)
    for (const [i, name] of names.entries()) this.unpack(name, values[i], scope)
  }

  private setField(target: Member, value: Value, scope: Scope): void {
    const object = this.evaluate(target.object, scope)
    if (!(object instanceof Namespace)) fault(`It sets a field of ${typeName(object)}; only a namespace can change.`)
    if (target.property.type !== 'Identifier' || target.computed) fault('It sets a computed field.')
    object.fields.set(target.property.value, value)
  }

  private assign(node: Assignment, scope: Scope): void {
    const value = node.value === null ? this.captured(node.body, scope) : this.evaluate(node.value, scope)
    this.unpack(node.assignee, value, scope)
  }

  private macro(node: Pick<Macro, 'args' | 'body'>, scope: Scope): Callable {
    return new Callable((call) => {
      const inner = new Scope(scope)
      const used = new Set(['caller'])
      inner.set('caller', call.named.get('caller'))
      for (const [i, parameter] of node.args.entries()) {
        const [name, fallback] =
          parameter.type === 'KeywordArgumentExpression'
            ? [parameter.key.value, parameter.value]
            : [nameOf(parameter), undefined]
        const given = call.args[i] ?? call.named.get(name)
        used.add(name)
        inner.set(name, given === undefined && fallback !== undefined ? this.evaluate(fallback, inner) : given)
      }
      if (call.args.length > node.args.length)
        fault(`It calls a macro with more than its ${node.args.length} arguments.`)
      for (const name of call.named.keys())
        if (!used.has(name)) fault(`It calls a macro with an unknown argument, ${name}.`)
      return this.captured(node.body, inner)
    })
  }

  private callBlock(node: CallStatement, scope: Scope): Value {
    const caller = this.macro({ args: node.callerArgs ?? [], body: node.body }, scope)
    const { args, named } = this.callArguments(node.call.args, scope)
    return this.invoke(this.evaluate(node.call.callee, scope), { args, named: new Map([...named, ['caller', caller]]) })
  }

  private evaluate(node: Node, scope: Scope): Value {
    return this.budget.nested(() => this.expression(node, scope))
  }

  private expression(node: Node, scope: Scope): Value {
    const evaluate = (inner: Node) => this.evaluate(inner, scope)
    switch (node.type) {
      case 'Identifier':
        return scope.get(node.value)
      case 'StringLiteral':
      case 'IntegerLiteral':
        return node.value
      case 'FloatLiteral':
        return new Float(node.value)
      case 'ArrayLiteral':
      case 'TupleLiteral':
        return node.value.map(evaluate)
      case 'ObjectLiteral':
        return new Map(Array.from(node.value, ([key, value]) => [this.dictKey(key, scope), evaluate(value)]))
      case 'MemberExpression':
        return this.member(node, scope)
      case 'CallExpression':
        return this.invoke(evaluate(node.callee), this.callArguments(node.args, scope))
      case 'FilterExpression':
        return this.filtered(evaluate(node.operand), node.filter, scope)
      case 'TestExpression':
        return this.tested(evaluate(node.operand), node.test.value) !== node.negate
      case 'UnaryExpression':
        return unary(node.operator.value, evaluate(node.argument))
      case 'BinaryExpression':
        return this.binary(node, scope)
      case 'Ternary':
        return evaluate(truthy(evaluate(node.condition)) ? node.trueExpr : node.falseExpr)
      case 'SelectExpression':
        return truthy(evaluate(node.test)) ? evaluate(node.lhs) : undefined
      default:
        return fault(`It has a ${node.type} where a value belongs.`)
    }
  }

  private binary(node: Extract<Node, { type: 'BinaryExpression' }>, scope: Scope): Value {
    const left = this.evaluate(node.left, scope)
    const operator = node.operator.value
    if (operator === 'and' && !truthy(left)) return left
    if (operator === 'or' && truthy(left)) return left
    const right = this.evaluate(node.right, scope)
    return operator === 'and' || operator === 'or' ? right : binary(operator, left, right, this.budget)
  }

  private member(node: Member, scope: Scope): Value {
    const object = this.evaluate(node.object, scope)
    const { property } = node
    if (property.type === 'SliceExpression') {
      const bounds = [property.start, property.stop, property.step]
      return sliced(
        object,
        bounds.map((bound) => bound && this.evaluate(bound, scope)),
        this.budget,
      )
    }
    if (node.computed || property.type !== 'Identifier') {
      return subscript(object, this.evaluate(property, scope), this.budget)
    }
    return attribute(object, property.value, this.budget)
  }

  private dictKey(node: Node, scope: Scope): string {
    const key = this.evaluate(node, scope)
    return typeof key === 'string' ? key : fault(`It uses ${typeName(key)} as a dictionary key.`)
  }

  private invoke(callee: Value, call: Call): Value {
    return callee instanceof Callable ? callee.invoke(call) : fault(`It calls ${typeName(callee)}.`)
  }

  private callArguments(nodes: readonly Node[], scope: Scope): Call {
    const args: Value[] = []
    const named = new Map<string, Value>()
    for (const node of nodes) {
      if (node.type === 'KeywordArgumentExpression') named.set(node.key.value, this.evaluate(node.value, scope))
      else if (node.type === 'SpreadExpression') args.push(...iterate(this.evaluate(node.argument, scope), this.budget))
      else if (node.type === 'KeywordSpreadExpression') this.spread(this.evaluate(node.argument, scope), named)
      else args.push(this.evaluate(node, scope))
    }
    return { args, named }
  }

  private spread(value: Value, named: Map<string, Value>): void {
    if (!(value instanceof Map)) fault(`It spreads ${typeName(value)} into named arguments.`)
    this.budget.step(value.size)
    for (const [name, one] of value) named.set(name, one)
  }

  private filtered(value: Value, filter: FilterCall, scope: Scope): Value {
    const name = filterName(filter)
    const { args, named } = this.callArguments(filter.type === 'CallExpression' ? filter.args : [], scope)
    const test = /^is (not )?(.+)$/.exec(name)
    if (test?.[2] !== undefined) return this.tested(value, test[2], args[0]) !== (test[1] !== undefined)
    const found = findFilter(name) ?? fault(`It uses the filter ${name}, which is unknown.`)
    return found({ args: [value, ...args], named }, this.budget)
  }

  private tested(value: Value, name: string, argument?: Value): boolean {
    const test = findTest(name) ?? fault(`It uses the test ${name}, which is unknown.`)
    return test(value, argument, this.budget)
  }
}

/** The name of a filter in its syntax tree. */
export function filterName(filter: FilterCall): string {
  return nameOf(filter.type === 'CallExpression' ? filter.callee : filter)
}

function nameOf(node: Node): string {
  return node.type === 'Identifier' ? node.value : fault('It has an expression where a name belongs.')
}
