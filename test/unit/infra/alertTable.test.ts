import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { resourcesOf } from './support/snapshots.js';

const read = (path: string) => readFile(join(projectFolder(), path), 'utf8');
const runbook = await read('docs/runbook.md');

interface Condition {
  query?: string;
  metricName?: string;
  operator: string;
  threshold: number;
  failingPeriods?: { numberOfEvaluationPeriods: number; minFailingPeriodsToAlert: number };
}
interface Rule {
  description: string;
  windowSize: string;
  criteria: { allOf: [Condition] };
}

const rules = ['scheduledQueryRules', 'metricAlerts'].flatMap((type) =>
  resourcesOf('defaults', `Microsoft.Insights/${type}`).map(({ name, properties }) => {
    const rule = properties as unknown as Rule;
    return { ...rule, ...rule.criteria.allOf[0], name: name.replace(/-[a-z0-9]{13}$/, '') };
  }),
);

/** The rows of the table in docs/runbook.md, by the name of the alert. */
const rows = new Map(
  [...runbook.matchAll(/^\| `([\w-]+)` \| ((?:`App|metric).+) \|$/gm)].map(([, name = '', rest = '']) => {
    const [data = '', emitters = '', step = ''] = rest.split(/(?<!\\) \| /);
    return [name, { data: data.replaceAll('\\|', '|'), emitters, step }];
  }),
);

test('the table has one row for each alert', () => {
  expect([...rows.keys()].sort()).toEqual(rules.map(({ name }) => name).sort());
});

test.each(rules)(
  'the row of $name has its query, its data source and a step for the operator',
  async ({ name, query, metricName }) => {
    const { data, emitters, step } = rows.get(name)!;
    expect(runbook).toContain(`\n### \`${name}\`\n`);
    expect(data).toBe(query === undefined ? `metric \`${metricName}\` of the queue` : `\`${query}\``);
    expect(step).not.toBe('');
    if (!query?.startsWith('AppMetrics')) return;
    const named = [...emitters.matchAll(/`(\w+)`: ((?:`[\w./-]+`(?:, )?)+)/g)];
    expect(named.length).toBeGreaterThan(0);
    for (const [, method = '', files = ''] of named)
      for (const [, file = ''] of files.matchAll(/`([^`]+)`/g))
        expect(await read(file)).toMatch(new RegExp(`(productMetrics\\(\\)\\.|: )${method}\\b`));
  },
);

const windows: Record<string, string> = {
  PT5M: '5 minutes',
  PT10M: '10 minutes',
  PT15M: '15 minutes',
  PT1H: '1 hour',
  P2D: '2 days',
};
const limits: Record<string, (threshold: number) => string> = {
  GreaterThan: (threshold) => `more than ${threshold} `,
  GreaterThanOrEqual: (threshold) => `${threshold} or more `,
  LessThan: (threshold) => `less than ${threshold} `,
};

test.each(rules)('the text of $name says what the rule does', (rule) => {
  const text = rule.description.toLowerCase();
  expect(text).toContain(limits[rule.operator]!(rule.threshold));
  expect(text).toContain(windows[rule.windowSize]);
  const { numberOfEvaluationPeriods: periods = 1, minFailingPeriodsToAlert: failing = 1 } =
    rule.failingPeriods ?? {};
  if (periods > 1) expect(text).toContain(`${failing} of the last ${periods} `);
});

/** Whether the log rule fires for values of its window, summed up. */
function fires(name: string, total: number): boolean {
  const { operator, threshold } = rules.find((rule) => rule.name === name)!;
  return operator === 'GreaterThanOrEqual' ? total >= threshold : total > threshold;
}

test('work-failing fires for a fleet of ten that all fail, with one code or with five', () => {
  const query = rules.find(({ name }) => name === 'work-failing')!.query!;
  // All codes count together.
  expect(query).toBe('AppMetrics | where Name == "provisioner.failed" | project TimeGenerated, Value = Sum');
  expect(
    resourcesOf('defaults', 'Microsoft.Insights/scheduledQueryRules').every(({ name, properties }) => {
      const { dimensions } = (properties as unknown as { criteria: { allOf: [{ dimensions: unknown[] }] } })
        .criteria.allOf[0];
      return !name.startsWith('work-failing') || dimensions.length === 0;
    }),
  ).toBe(true);
  const fiveCodesOfTen = [10, 10, 10, 10, 10].reduce((sum, count) => sum + count);
  const tenWithFiveCodes = [2, 2, 2, 2, 2].reduce((sum, count) => sum + count);
  expect([10, fiveCodesOfTen, tenWithFiveCodes, 9].map((total) => fires('work-failing', total))).toEqual([
    true,
    true,
    true,
    false,
  ]);
});
