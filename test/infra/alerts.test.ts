import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../local/stack/projectFolder.js';
import { evaluate } from './support/evaluate.js';
import { moduleOf, readInfra } from './support/readInfra.js';

interface Rule {
  name: string;
  query: string;
  dimension: string;
  severity: number;
  threshold: number;
  frequency: string;
  window: string;
  periods: number;
  failing: number;
}

const { file, given } = moduleOf(await readInfra(), 'alerts');
const rules = evaluate(file.variables.get('rules')!, file, given) as Rule[];
const runbook = await readFile(join(projectFolder(), 'docs/runbook.md'), 'utf8');
const others = file.resources.filter(({ type }) => type === 'Microsoft.Insights/metricAlerts');
const names = [
  ...rules.map(({ name }) => name),
  ...others.map(({ body }) => /name: '([\w-]+)-\$\{token\}'/.exec(body.text)?.[1]),
];

/** What src/telemetry counts, with the attributes. */
const metrics: Record<string, string[]> = {
  'provisioner.accepted': [],
  'provisioner.provisioned': [],
  'provisioner.failed': ['code', 'step'],
  'provisioner.time_to_provisioned': [],
  'provisioner.pace.limit': [],
  'provisioner.pace.rate': [],
  'provisioner.queue.oldest_age': [],
  'provisioner.certificates': ['days_left'],
  'provisioner.credentials_refused': ['dependency'],
};

test('docs/runbook.md says of each alert what it means and what to do', () => {
  const sections = [...runbook.matchAll(/^### `([\w-]+)`$/gm)].map(([, name]) => name);
  expect(sections.sort()).toEqual(names.sort());
});

test.each(rules)('$name asks for what there is', ({ query, dimension }) => {
  const [table] = query.split(' | ');
  expect(['AppMetrics', 'AppRequests']).toContain(table);
  const [, metric] = /Name == "([^"]+)"/.exec(query) ?? [];
  if (table === 'AppMetrics') expect(Object.keys(metrics)).toContain(metric);
  for (const [, attribute = ''] of query.matchAll(/Properties\.(\w+)/g))
    expect(metrics[metric!]).toContain(attribute);
  // What the rule measures, and splits by, is among the columns that are left.
  const columns = query.split('| project ').at(-1)!;
  expect(columns).toMatch(/^TimeGenerated, (?:.*, )?Value = /);
  if (dimension) expect(columns).toMatch(new RegExp(`\\b${dimension}\\b`));
});

test.each(rules)(
  '$name looks often enough, at a window that Azure takes',
  ({ frequency, window, periods, failing }) => {
    const minutes = (text: string) => Number(/^PT(\d+)M$/.exec(text)?.[1] ?? { PT1H: 60, P1D: 1_440 }[text]);
    expect(minutes(frequency)).toBeLessThanOrEqual(minutes(window));
    expect(failing).toBeLessThanOrEqual(periods);
    // Azure looks back two days at most.
    expect(minutes(window) * periods).toBeLessThanOrEqual(2_880);
  },
);

test('a device that is about to be cut off, and credentials that are refused, are the most urgent', () => {
  expect(rules.filter(({ severity }) => severity === 1).map(({ name }) => name)).toEqual([
    'credentials-refused',
    'certificates-near-expiry',
  ]);
});

test('without an address, alerts have no action', () => {
  expect(evaluate(file.variables.get('actionGroups')!, file, { email: '' })).toEqual([]);
  expect(evaluate(file.variables.get('actionGroups')!, file, { email: 'a@b', 'mailTo.id': 'group' })).toEqual(
    ['group'],
  );
});

test('what the documents link to is there', async () => {
  for (const page of ['docs/runbook.md', 'docs/migrate.md', 'docs/cost.md', 'README.md']) {
    const text = await readFile(join(projectFolder(), page), 'utf8');
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) => link);
    const tests = [...text.matchAll(/`((?:test|src|infra)\/[\w./-]+\.\w+)`/g)].map(
      ([, path = '']) => `/${path}`,
    );
    for (const link of [...links, ...tests])
      await access(
        link.startsWith('/') ? join(projectFolder(), link) : join(projectFolder(), page, '..', link),
      );
  }
});
