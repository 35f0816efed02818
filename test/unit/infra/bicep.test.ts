import { normalize } from 'node:path';
import { type BicepFile, descendants, named, parseBicep, type SyntaxNode } from './support/readBicep.js';
import { readInfra } from './support/readInfra.js';

// No Bicep compiler is installed. This test finds syntax errors and unknown names, and no type errors.
const infra = await readInfra();
const main = infra.get('main.bicep')!;

/** The functions and namespaces of Bicep in these files. */
const builtIn = new Set(
  'empty guid items join map max replace resourceGroup string subscription subscriptionResourceId toLower union uniqueString'.split(
    ' ',
  ),
);

/** Names in expressions, with their positions. Keys of objects and members are left out. */
function uses({ root }: BicepFile): string[] {
  return descendants(root)
    .filter(({ type }) => type === 'identifier')
    .filter((node) => !isDeclaration(node) && !isKey(node) && !isDecorator(node))
    .map(({ text }) => text);
}

const isDeclaration = ({ parent, id }: SyntaxNode) =>
  /declaration$/.test(parent?.type ?? '') && named(parent!)[0]?.id === id;
const isKey = ({ parent, id }: SyntaxNode) =>
  parent?.type === 'object_property' && named(parent)[0]?.id === id;
const isDecorator = ({ parent }: SyntaxNode) => parent?.parent?.type === 'decorator';

/** Variables of loops and lambdas. */
function local({ root }: BicepFile): string[] {
  return descendants(root)
    .filter(({ type }) => type === 'for_statement' || type === 'lambda_expression')
    .map((node) => named(node)[0]!.text);
}

function declared(file: BicepFile): string[] {
  const symbols = [...file.resources, ...file.modules].map(({ symbol }) => symbol);
  return [...file.parameters.keys(), ...file.variables.keys(), ...symbols];
}

describe.each([...infra])('%s', (_, file) => {
  test('is Bicep', () => {
    expect(file.errors).toEqual([]);
  });

  test('uses no name that is not declared, and declares none twice', () => {
    const known = new Set([...declared(file), ...local(file), ...builtIn]);
    expect(uses(file).filter((name) => !known.has(name))).toEqual([]);
    expect(declared(file)).toEqual([...new Set(declared(file))]);
  });

  test('uses each parameter and each variable', () => {
    const used = new Set(uses(file));
    const all = [...file.parameters.keys(), ...file.variables.keys()];
    expect(all.filter((name) => !used.has(name))).toEqual([]);
  });

  test('passes each module what it asks for, and nothing else', () => {
    for (const { path, params } of file.modules) {
      const { parameters } = infra.get(normalize(path))!;
      const unknown = [...params.keys()].filter((name) => !parameters.has(name));
      const missing = [...parameters].filter(([name, each]) => !each.default && !params.has(name));
      expect({ path, unknown, missing: missing.map(([name]) => name) }).toEqual({
        path,
        unknown: [],
        missing: [],
      });
    }
  });

  test('reads only outputs that there are', () => {
    for (const [, symbol = '', output = ''] of file.root.text.matchAll(/(\w+)!?\.outputs\.(\w+)/g)) {
      const module = file.modules.find((each) => each.symbol === symbol)!;
      expect([...infra.get(normalize(module.path))!.outputs.keys()]).toContain(output);
    }
  });
});

test('every module is called, and every output of one is read', () => {
  expect(new Set(main.modules.map(({ path }) => normalize(path)))).toEqual(
    new Set([...infra.keys()].filter((path) => path !== 'main.bicep')),
  );
  const unread = main.modules.flatMap(({ symbol, path }) =>
    [...infra.get(normalize(path))!.outputs.keys()].filter(
      (name) => !new RegExp(`\\b${symbol}!?\\.outputs\\.${name}\\b`).test(main.root.text),
    ),
  );
  expect(unread).toEqual([]);
});

test('every parameter of main.bicep says what it is for', () => {
  for (const [name, { description }] of main.parameters)
    expect([name, description]).toEqual([name, expect.any(String)]);
});

test.each([
  ['a bracket that is not closed', "resource a 'x/y@1' = {\n  name: 'b'\n"],
  ['a property without a value', "resource a 'x/y@1' = {\n  name:\n}\n"],
  ['a string that is not closed', "param a string = 'b\n"],
])('%s is found', (_, text) => {
  expect(parseBicep(text).errors).not.toEqual([]);
});

test('a name that is not declared is found', () => {
  const file = parseBicep('param a string\nvar b = [a, c.d]\noutput e string = f(b)\n');
  const known = new Set([...declared(file), ...builtIn]);
  expect(uses(file).filter((name) => !known.has(name))).toEqual(['c', 'f']);
});
