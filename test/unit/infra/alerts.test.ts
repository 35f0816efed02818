import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readDocuments } from '../../../local/docs/documents.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { emittedMetrics } from './support/emittedMetrics.js';
import { analyse } from './support/kusto.js';
import { type Example, resourceOf, resourcesOf } from './support/snapshots.js';

const read = (path: string) => readFile(join(projectFolder(), path), 'utf8');
const runbook = await read('docs/runbook.md');
const metrics = await emittedMetrics();

/** A log rule: Application Insights runs the query. */
interface LogRule {
  severity: number;
  enabled: boolean;
  evaluationFrequency: string;
  windowSize: string;
  scopes: string[];
  actions: { actionGroups: string[] };
  criteria: {
    allOf: {
      query: string;
      metricMeasureColumn?: string | null;
      timeAggregation: string;
      dimensions: { name: string }[];
      operator: string;
      threshold: number;
      failingPeriods: { numberOfEvaluationPeriods: number; minFailingPeriodsToAlert: number };
    }[];
  };
}

/** A metric rule: a metric of Service Bus. */
interface MetricRule {
  severity: number;
  evaluationFrequency: string;
  windowSize: string;
  scopes: string[];
  actions: { actionGroupId: string }[];
  criteria: { allOf: { threshold: number; metricName: string }[] };
}

/** The rules of a type by their names, without the token. */
function rulesOf<R>(example: Example, type: string): Map<string, R> {
  return new Map(
    resourcesOf(example, `Microsoft.Insights/${type}`).map(({ name, properties }) => [
      name.replace(/-[a-z0-9]{13}$/, ''),
      properties as unknown as R,
    ]),
  );
}

const logRules = rulesOf<LogRule>('defaults', 'scheduledQueryRules');
const metricRules = rulesOf<MetricRule>('defaults', 'metricAlerts');
const rules = [...logRules].map(([name, rule]) => ({ ...rule, ...rule.criteria.allOf[0]!, name }));
const waits = [...metricRules].map(([name, rule]) => ({ ...rule, ...rule.criteria.allOf[0]!, name }));

/** The durations that rules of both kinds allow, in minutes. The frequency of a log rule is at most a day. */
const allowed: Record<string, number> = { PT5M: 5, PT10M: 10, PT15M: 15, PT1H: 60, P1D: 1_440, P2D: 2_880 };

test('docs/runbook.md has a section for each alert', () => {
  const sections = [...runbook.matchAll(/^### `([\w-]+)`$/gm)].map(([, name]) => name);
  expect(sections.sort()).toEqual([...rules, ...waits].map(({ name }) => name).sort());
});

test.each(rules)(
  '$name has a right query, with the columns of the rule in its result',
  ({ query, dimensions, metricMeasureColumn, timeAggregation }) => {
    const { problems, columns } = analyse(query);
    expect(problems).toEqual([]);
    // Azure assigns each row to a window by this column.
    expect(columns).toContain('TimeGenerated:datetime');
    // The aggregation Count counts rows, and needs no further column.
    if (timeAggregation === 'Count') return;
    expect(columns).toEqual(
      expect.arrayContaining([expect.stringMatching(`^${metricMeasureColumn}:(real|int)$`)]),
    );
    for (const { name } of dimensions) expect(columns).toContain(`${name}:string`);
  },
);

test.each(rules)('$name asks for metrics and attributes that the product emits', ({ query }) => {
  const [table] = query.split(' | ');
  if (table !== 'AppMetrics') return expect(table).toBe('AppRequests');
  const names = [...query.matchAll(/"(provisioner\.[\w.]+)"/g)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(0);
  const attributes = names.flatMap((name) => metrics.get(name) ?? [`no metric ${name}`]);
  for (const [, attribute = ''] of query.matchAll(/Properties\.(\w+)/g))
    expect(attributes).toContain(attribute);
  expect(attributes.filter((name) => name.startsWith('no metric'))).toEqual([]);
});

test('a wrong name of a table or a column is found', () => {
  expect(analyse('AppMetric | take 1').problems).toEqual([expect.stringMatching(/AppMetric/)]);
  expect(analyse('AppMetrics | where Nmae == "a"').problems).toEqual([expect.stringMatching(/Nmae/)]);
  expect(analyse('AppMetrics | wher Name == "a"').problems).not.toEqual([]);
});

test('the queries of the documents are right', async () => {
  const queries = (await readDocuments()).flatMap(({ path, text }) =>
    [...text.matchAll(/```kusto\n(.+?)```/gs)].map(([, query = '']) => ({ path, query })),
  );
  expect(queries.length).toBeGreaterThan(1);
  const problems = queries.map(({ path, query }) => ({ path, problems: analyse(query).problems }));
  expect(problems.filter(({ problems }) => problems.length > 0)).toEqual([]);
});

test.each(rules)('$name runs often enough, with a window that Azure accepts', (rule) => {
  const { evaluationFrequency: frequency, windowSize: window, failingPeriods } = rule;
  const { numberOfEvaluationPeriods: periods, minFailingPeriodsToAlert: failing } = failingPeriods;
  expect(Object.keys(allowed)).toEqual(expect.arrayContaining([frequency, window]));
  const minutes = (text: string) => allowed[text]!;
  expect(minutes(frequency)).toBeLessThanOrEqual(Math.min(minutes(window), 1_440));
  expect(failing).toBeLessThanOrEqual(periods);
  // Azure looks back two days at most.
  expect(minutes(window) * periods).toBeLessThanOrEqual(2_880);
});

test('the most urgent alerts: a device is about to be cut off, or credentials are refused', () => {
  expect(rules.filter(({ severity }) => severity === 1).map(({ name }) => name)).toEqual([
    'credentials-refused',
    'certificates-near-expiry',
  ]);
});

test.each(waits)('$name runs often enough, with a window that Azure accepts', (rule) => {
  const { evaluationFrequency: frequency, windowSize: window } = rule;
  expect(['PT5M', 'PT15M', 'PT1H']).toEqual(expect.arrayContaining([frequency, window]));
  expect(allowed[frequency]).toBeLessThanOrEqual(allowed[window]!);
});

test('a dead worker is reported where there are few devices, too, with less urgency', () => {
  expect(waits.map(({ name, severity, threshold }) => [name, severity, threshold])).toEqual([
    ['messages-waiting', 2, 100],
    ['messages-stuck', 3, 0],
    ['queue-throttled', 3, 100],
  ]);
});

test('the alerts look at the workspace and the namespace of the deployment', () => {
  const workspace = resourceOf('defaults', 'Microsoft.OperationalInsights/workspaces').id;
  const namespace = resourceOf('defaults', 'Microsoft.ServiceBus/namespaces').id;
  for (const { scopes } of rules) expect(scopes).toEqual([workspace]);
  for (const { scopes } of waits) expect(scopes).toEqual([namespace]);
});

test('a 503 of /api/health is an answer by design, and no failing request', async () => {
  const health = await read('functions/health.ts');
  expect(health).toContain("app.http('health',");
  expect(health).toContain("route: 'health',");
  expect(logRules.get('requests-failing')!.criteria.allOf[0]!.query).toContain(
    '| where not(Name endswith "health" or Url contains "/api/health") |',
  );
});

test('missing counts of certificates are an alert, where certificates are renewed', () => {
  expect(rules.find(({ name }) => name === 'renewal-silent')).toMatchObject({
    timeAggregation: 'Count',
    operator: 'LessThan',
    threshold: 1,
    windowSize: 'P2D',
    enabled: true,
  });
  const others = rules.filter(({ name }) => !name.endsWith('-silent'));
  expect(others.every(({ operator, enabled }) => operator.startsWith('GreaterThan') && enabled)).toBe(true);
  const withoutRenewal = rulesOf<LogRule>('existingHub', 'scheduledQueryRules');
  expect(withoutRenewal.get('renewal-silent')!.enabled).toBe(false);
});

test('a redrive that does not run by its timer is an alert within a quarter of an hour', () => {
  expect(rules.find(({ name }) => name === 'timers-silent')).toMatchObject({
    timeAggregation: 'Count',
    operator: 'LessThan',
    threshold: 1,
    windowSize: 'PT15M',
    enabled: true,
  });
});

test('alerts go to the address of the operators, if there is one', () => {
  const { id, properties } = resourceOf('full', 'Microsoft.Insights/actionGroups');
  expect(properties).toMatchObject({ emailReceivers: [{ emailAddress: 'operators@example.com' }] });
  for (const { actions } of rulesOf<LogRule>('full', 'scheduledQueryRules').values())
    expect(actions).toEqual({ actionGroups: [id] });
  for (const { actions } of rulesOf<MetricRule>('full', 'metricAlerts').values())
    expect(actions).toEqual([{ actionGroupId: id }]);
  for (const { actions } of rules) expect(actions).toEqual({ actionGroups: [] });
  expect(resourcesOf('defaults', 'Microsoft.Insights/actionGroups')).toEqual([]);
});
