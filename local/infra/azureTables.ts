import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../stack/projectFolder.js';
import { roleNames } from './roleNames.js';

const document = 'docs/azure.md';
const read = (path: string) => readFile(join(projectFolder(), path), 'utf8');

/** A resource of a snapshot. */
interface Resource {
  id: string;
  type: string;
  name: string;
  condition?: string;
  properties?: Record<string, unknown>;
}

/** The examples of infra/examples whose resources docs/azure.md lists. */
const examples = ['defaults', 'full', 'existingHub'] as const;

/**
 * Makes the tables of docs/azure.md from infra/ and from the snapshots that the compiler has made, and puts them between their marks.
 *
 * @returns the document as it should be
 */
export async function azureDocument(): Promise<string> {
  const resources = await Promise.all(examples.map((example) => readResources(example)));
  const tables = {
    parameters: parameterTable(await read('infra/main.bicep'), await read('infra/main.parameters.json')),
    resources: resourceTable(resources),
    roles: roleTable(resources[1]!),
  };
  let text = await read(document);
  for (const [name, table] of Object.entries(tables)) {
    const marks = new RegExp(`(<!-- ${name}: [^\n]*-->\n).*?(\n<!-- end of ${name} -->)`, 's');
    if (!marks.test(text)) throw new Error(`${document} has no marks of the table "${name}".`);
    text = text.replace(marks, (_, start: string, end: string) => `${start}\n${table}\n${end}`);
  }
  return text;
}

/**
 * Compares docs/azure.md with its sources.
 *
 * @param update true to write the document anew
 * @returns a problem; empty if the document is current
 */
export async function checkAzureDocument(update: boolean): Promise<string> {
  const text = await azureDocument();
  if (text === (await read(document))) return '';
  if (!update) return `The tables of ${document} are not current.`;
  await writeFile(join(projectFolder(), document), text);
  return '';
}

async function readResources(example: string): Promise<Resource[]> {
  const snapshot = JSON.parse(await read(`infra/examples/${example}.snapshot.json`)) as {
    predictedResources: Resource[];
  };
  return snapshot.predictedResources;
}

/** One row for each parameter: the variable of the azd environment, the default, the meaning. */
function parameterTable(main: string, parameters: string): string {
  const described = /@description\('((?:[^'\\]|\\.)*)'\)\n(?:@[^\n]*\n| {2}[^\n]*\n|\]\)\n)*param (\w+)/g;
  const rows = [...main.matchAll(described)].map(([, meaning = '', name = '']) => {
    const filled = new RegExp(`"${name}": \\{ "value": "\\$\\{(\\w+)=?([^}]*)\\}" \\}`);
    const [, variable = '', standard = ''] = filled.exec(parameters) ?? [];
    return [`\`${variable}\``, standard && `\`${standard}\``, meaning.replaceAll("\\'", "'")];
  });
  return table(['variable', 'default', 'meaning'], rows);
}

/** One row for each resource, except role assignments: type, name, and whether each example has the resource. */
function resourceTable(lists: Resource[][]): string {
  const marks = lists.map(
    (list) => new Map(list.filter(({ type }) => !isRole(type)).map((each) => [keyOf(each), markOf(each)])),
  );
  const keys = [...new Set(marks.flatMap((map) => [...map.keys()]))].sort();
  const rows = keys.map((key) => [...key.split('\n'), ...marks.map((map) => map.get(key) ?? '')]);
  return table(['type', 'name', ...examples], rows);
}

const isRole = (type: string) => type === 'Microsoft.Authorization/roleAssignments';
const markOf = ({ condition }: Resource) => (condition ? 'if given' : 'yes');

/** Type and name of a resource, without the parts that differ between environments. A lock, for example, is named with its resource. */
function keyOf({ type, name, id }: Resource): string {
  const on = /locks|diagnosticSettings/.test(type)
    ? ` on ${id.split('/providers/').at(-2)?.split('/')[1]}`
    : '';
  const general = type.endsWith('/resourceGroups')
    ? 'rg-ENVIRONMENT'
    : name.replace(/(?<=-|^st)[a-z0-9]{13}(?=\/|$)/, 'TOKEN');
  return `\`${type}\`\n\`${general}\`${on}`;
}

/** One row for each role that the example "full" gives: to whom, which, where. */
function roleTable(resources: Resource[]): string {
  const rows = resources.filter(({ type }) => isRole(type)).map(roleRow);
  return table(
    ['principal', 'role', 'scope'],
    rows.sort((a, b) => a.join().localeCompare(b.join(), 'en')),
  );
}

function roleRow({ id, properties }: Resource): string[] {
  const { principalId = '', roleDefinitionId = '' } = properties as Record<string, string>;
  // The principal of the functions is new, so a snapshot has it as an expression.
  const who = principalId.startsWith('[') ? 'functions' : 'operators';
  const role = roleNames[roleDefinitionId.split('/').at(-1)!] ?? roleDefinitionId;
  const [, scope = ''] =
    /^\[?(?:extensionResourceId\(')?(\/subscriptions\/.+?)(?:'|\/providers\/Microsoft.Authorization)/.exec(
      id,
    ) ?? [];
  const at = scope
    .split('/providers/')
    .at(-1)!
    .replace(/\/[a-z]+-?[a-z0-9]{13}/, '');
  return [who, role, `\`${at}\``];
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
}
