import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Language, Parser, type Node as SyntaxNode } from 'web-tree-sitter';

export type { SyntaxNode };

export interface Parameter {
  type: string;
  default?: SyntaxNode;
  description?: string;
  secure: boolean;
}

export interface Resource {
  symbol: string;
  type: string;
  version: string;
  existing: boolean;
  /** The properties; of a loop, the properties of each item. */
  body: SyntaxNode;
}

export interface Module {
  symbol: string;
  /** As written, relative to the file. */
  path: string;
  params: Map<string, SyntaxNode>;
}

/** The parts of a Bicep file that the tests read. */
export interface BicepFile {
  parameters: Map<string, Parameter>;
  variables: Map<string, SyntaxNode>;
  resources: Resource[];
  modules: Module[];
  outputs: Map<string, SyntaxNode>;
  /** Syntax errors, as `line:column text`. */
  errors: string[];
  root: SyntaxNode;
}

const { resolve } = createRequire(import.meta.url);
await Parser.init();
const parser = new Parser();
parser.setLanguage(await Language.load(resolve('tree-sitter-bicep/tree-sitter-bicep.wasm')));

/** Reads a file with the Bicep grammar of tree-sitter: there is no Bicep compiler among npm's packages. */
export async function readBicep(file: string): Promise<BicepFile> {
  return parseBicep(await readFile(file, 'utf8'));
}

export function parseBicep(text: string): BicepFile {
  const root = parser.parse(text)!.rootNode;
  const bicep: BicepFile = {
    parameters: new Map(),
    variables: new Map(),
    resources: [],
    modules: [],
    outputs: new Map(),
    errors: descendants(root)
      .filter((node) => node.isError || node.isMissing)
      .map(({ startPosition, text }) => `${startPosition.row + 1}:${startPosition.column + 1} ${text}`),
    root,
  };
  let decorators: SyntaxNode | null = null;
  for (const node of named(root)) {
    const [first, second, third, fourth] = named(node);
    const name = first?.text ?? '';
    if (node.type === 'parameter_declaration') {
      bicep.parameters.set(name, {
        type: second?.text ?? '',
        ...(third && { default: third }),
        ...described(decorators),
      });
    } else if (node.type === 'variable_declaration') bicep.variables.set(name, second!);
    else if (node.type === 'output_declaration') bicep.outputs.set(name, third!);
    else if (node.type === 'resource_declaration') {
      const [type = '', version = ''] = plainText(second!).split('@');
      const existing = node.children.some(
        (child) => child?.type === 'existing' || child?.text === 'existing',
      );
      bicep.resources.push({ symbol: name, type, version, existing, body: bodyOf(fourth ?? third!) });
    } else if (node.type === 'module_declaration') {
      const params = property(bodyOf(fourth ?? third!), 'params');
      bicep.modules.push({ symbol: name, path: plainText(second!), params: properties(params) });
    }
    decorators = node.type === 'decorators' ? node : null;
  }
  return bicep;
}

function described(decorators: SyntaxNode | null): Pick<Parameter, 'description' | 'secure'> {
  const calls = decorators ? descendants(decorators).filter(({ type }) => type === 'call_expression') : [];
  const description = calls.find((call) => named(call)[0]?.text === 'description');
  return {
    secure: calls.some((call) => named(call)[0]?.text === 'secure'),
    ...(description && { description: plainText(named(named(description)[1]!)[0]!) }),
  };
}

/** Of `if (…) {…}` and `[for x in y: {…}]`: the object. */
function bodyOf(node: SyntaxNode): SyntaxNode {
  return node.type === 'object' ? node : bodyOf(named(node).at(-1)!);
}

/** A string without interpolation, with escapes resolved. */
export function plainText(node: SyntaxNode): string {
  return node.text.slice(1, -1).replace(/\\(.)/g, '$1');
}

export function named(node: SyntaxNode): SyntaxNode[] {
  return node.namedChildren.filter(
    (child): child is SyntaxNode => child !== null && child.type !== 'comment',
  );
}

export function descendants(node: SyntaxNode): SyntaxNode[] {
  return [node, ...node.children.flatMap((child) => (child ? descendants(child) : []))];
}

/** The properties of an object, by name. */
export function properties(object: SyntaxNode | null): Map<string, SyntaxNode> {
  const pairs = object ? named(object).filter(({ type }) => type === 'object_property') : [];
  return new Map(
    pairs.map((pair) => {
      const [key, value] = named(pair);
      return [key!.type === 'string' ? plainText(key!) : key!.text, value!];
    }),
  );
}

/** A property of an object, such as `sku.name`; null for a missing property. */
export function property(object: SyntaxNode, path: string): SyntaxNode | null {
  return path
    .split('.')
    .reduce<SyntaxNode | null>((found, name) => (found && properties(found).get(name)) ?? null, object);
}
