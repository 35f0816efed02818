import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { evaluate } from './support/evaluate.js';
import { moduleOf, readInfra } from './support/readInfra.js';

interface Rule {
  name: string;
  query: string;
  dimension: string;
  severity: number;
  aggregation: string;
  operator: string;
  threshold: number;
  enabled: boolean;
  frequency: string;
  window: string;
  periods: number;
  failing: number;
}

const infra = await readInfra();
const main = infra.get('main.bicep')!;
const { file, given } = moduleOf(infra, 'alerts');
const rules = evaluate(file.variables.get('rules')!, file, given) as Rule[];
const runbook = await readFile(join(projectFolder(), 'docs/runbook.md'), 'utf8');
type Wait = Pick<Rule, 'name' | 'severity' | 'threshold' | 'frequency' | 'window'>;
const waits = evaluate(file.variables.get('waits')!, file, given) as Wait[];
const names = [...rules, ...waits].map(({ name }) => name);
const rule = (name: string) => rules.find((each) => each.name === name)!;

/** The durations that rules of both kinds allow, in minutes. The frequency of a log rule is at most a day. */
const allowed: Record<string, number> = { PT5M: 5, PT10M: 10, PT15M: 15, PT1H: 60, P1D: 1_440, P2D: 2_880 };

/** The metrics of src/telemetry with their attributes. */
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

test.each(rules)('$name asks for what there is', ({ query, dimension, aggregation }) => {
  const [table] = query.split(' | ');
  expect(['AppMetrics', 'AppRequests']).toContain(table);
  const [, metric] = /Name == "([^"]+)"/.exec(query) ?? [];
  if (table === 'AppMetrics') expect(Object.keys(metrics)).toContain(metric);
  for (const [, attribute = ''] of query.matchAll(/Properties\.(\w+)/g))
    expect(metrics[metric!]).toContain(attribute);
  // A query that counts rows needs no column.
  if (aggregation === 'Count') return;
  // The measured column and the dimensions must be in the result of the query.
  const columns = query.split('| project ').at(-1)!;
  expect(columns).toMatch(/^TimeGenerated, (?:.*, )?Value = /);
  if (dimension) expect(columns).toMatch(new RegExp(`\\b${dimension}\\b`));
});

test.each(rules)(
  '$name looks often enough, at a window that Azure takes',
  ({ frequency, window, periods, failing }) => {
    expect(Object.keys(allowed)).toEqual(expect.arrayContaining([frequency, window]));
    const minutes = (text: string) => allowed[text]!;
    expect(minutes(frequency)).toBeLessThanOrEqual(Math.min(minutes(window), 1_440));
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

test.each(waits)('$name looks often enough, at a window that Azure takes', ({ frequency, window }) => {
  expect(['PT5M', 'PT15M', 'PT1H']).toEqual(expect.arrayContaining([frequency, window]));
  expect(allowed[frequency]).toBeLessThanOrEqual(allowed[window]!);
});

test('a worker that is dead is reported where there are few devices, too, with less urgency', () => {
  expect(waits.map(({ name, severity, threshold }) => [name, severity, threshold])).toEqual([
    ['messages-waiting', 2, 100],
    ['messages-stuck', 3, 0],
  ]);
});

test('a 503 of /api/health, which is its answer by design, is no failing request', async () => {
  const health = await readFile(join(projectFolder(), 'functions/health.ts'), 'utf8');
  expect(health).toContain("app.http('health',");
  expect(health).toContain("route: 'health',");
  expect(rule('requests-failing').query).toContain(
    '| where not(Name endswith "health" or Url contains "/api/health") |',
  );
});

test('that certificates are not counted is an alert, where they are renewed', () => {
  expect(rule('renewal-silent')).toMatchObject({
    aggregation: 'Count',
    operator: 'LessThan',
    threshold: 1,
    window: 'P2D',
  });
  const others = rules.filter(({ name }) => name !== 'renewal-silent');
  expect(others.every(({ operator, enabled }) => operator === 'GreaterThan' && enabled)).toBe(true);
  const renews = (moreSettings: object) => evaluate(main.variables.get('renews')!, main, { moreSettings });
  expect(renews({})).toBe(true);
  expect(renews({ RENEW_SCHEDULE: '0 0 4 * * *' })).toBe(true);
  expect(renews({ RENEW_SCHEDULE: 'off' })).toBe(false);
  expect(evaluate(file.variables.get('rules')!, file, { ...given, renews: false })).toContainEqual(
    expect.objectContaining({ name: 'renewal-silent', enabled: false }),
  );
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
