import { type BicepFile, named, plainText, properties, type SyntaxNode } from './readBicep.js';

/** A value that only Azure knows, such as an output or an id: the expression as text. */
export class Unknown {
  constructor(readonly expression: string) {}
}

type Value = unknown;
type Evaluate = (args: Value[]) => Value;

const functions: Record<string, Evaluate> = {
  empty: ([value]) => value === '' || (Array.isArray(value) && value.length === 0),
  string: ([value]) => String(value),
  union: (objects) => Object.assign({}, ...objects),
  max: (numbers) => Math.max(...(numbers as number[])),
  join: ([items, by]) => (items as string[]).join(by as string),
};

/**
 * Evaluates an expression with these parameters (or their defaults). A value that only Azure knows is `Unknown`.
 *
 * @param given values of parameters, and of expressions that only Azure knows, such as `hub.outputs.tier`
 */
export function evaluate(node: SyntaxNode, file: BicepFile, given: Record<string, Value> = {}): Value {
  const value = (each: SyntaxNode): Value => evaluate(each, file, given);
  const [first, second, third] = named(node);
  if (node.text in given) return given[node.text];
  switch (node.type) {
    case 'string':
      return text(node, value);
    case 'number':
      return Number(node.text);
    case 'unary_expression':
      return node.text.startsWith('-') ? -Number(value(first!)) : !value(first!);
    case 'boolean':
      return node.text === 'true';
    case 'array':
      return named(node).map(value);
    case 'object':
      return Object.fromEntries([...properties(node)].map(([name, each]) => [name, value(each)]));
    case 'ternary_expression':
      return value(first!) ? value(second!) : value(third!);
    case 'binary_expression': {
      const operator = node.children.find((child) => child && !child.isNamed)?.text;
      if (operator === '+') return Number(value(first!)) + Number(value(second!));
      if (operator === '==') return value(first!) === value(second!);
      if (operator === '!=') return value(first!) !== value(second!);
      if (operator === '||') return value(first!) || value(second!);
      break;
    }
    case 'member_expression': {
      const object = value(first!);
      if (object instanceof Unknown || typeof object !== 'object' || !object) break;
      return (object as Record<string, Value>)[second!.text];
    }
    case 'identifier': {
      const from = file.variables.get(node.text) ?? file.parameters.get(node.text)?.default;
      if (from) return value(from);
      break;
    }
    case 'call_expression': {
      const call = functions[first!.text];
      if (call) return call(named(second!).map(value));
    }
  }
  return new Unknown(node.text);
}

function text(node: SyntaxNode, value: (node: SyntaxNode) => Value): Value {
  const parts = named(node);
  if (!parts.some(({ type }) => type === 'interpolation')) return plainText(node);
  const values = parts.map((part) => (part.type === 'interpolation' ? value(named(part)[0]!) : part.text));
  return values.some((each) => each instanceof Unknown) ? new Unknown(node.text) : values.join('');
}
