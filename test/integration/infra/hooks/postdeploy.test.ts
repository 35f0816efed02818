import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expectedFunctions } from '../../../../infra/hooks/lib/app.js';
import { projectFolder } from '../../../../local/stack/projectFolder.js';
import { runHook } from '../../../support/azure/runHook.js';
import { transcripts } from '../../../support/azure/transcripts.js';
import { useFakeAzure } from '../../../support/azure/useFakeAzure.js';

const fake = await useFakeAzure();
const env = {
  AZURE_ENV_NAME: 'production',
  AZURE_SUBSCRIPTION_ID: 'sub',
  AZURE_RESOURCE_GROUP: 'rg-production',
  AZURE_FUNCTION_APP: 'func-abc',
  PROVISION_URL: 'https://func-abc.example/api/provision?code=KEY',
  PROVISION_KEY_COMMAND: 'az functionapp function keys list …',
  IOTHUB_HOST_NAME: 'iot-abc.azure-devices.net',
  OPS_URL: `${fake.url}/api/ops`,
  POSTDEPLOY_POLL_SECONDS: '0.01',
};
const run = (more: Record<string, string> = {}) => runHook(fake, 'postdeploy', { ...env, ...more });
const withoutTimes = (text: string) => text.replace(/\d+:\d\d of \d+:\d\d/g, 'TIME');

beforeEach(() => {
  fake.arm.add('/subscriptions/sub/resourceGroups/rg-production');
  fake.arm.functionNames = expectedFunctions;
});

test('a role that works late: the hook refreshes, restarts, and ends with what an operator copies', async () => {
  fake.arm.refreshesBeforeRoleWorks = 3;
  const { code, output } = await run();
  expect(await transcripts()).toContain(
    withoutTimes(output).replaceAll(fake.url, 'https://func-abc.example'),
  );
  expect(code).toBe(0);
  expect(output).not.toContain(fake.arm.healthKey);
});

test('an app that has started without its secrets is refreshed and restarted again', async () => {
  fake.arm.listsReferences = false;
  fake.arm.refreshesBeforeRoleWorks = 3;
  const { code, output } = await run();
  expect(withoutTimes(output)).toContain(
    '  TIME: GET /api/health answers 503: configuration: NOT OK, BALENA_API_KEY is an unresolved Key Vault reference\n✓ GET /api/health answers 200',
  );
  expect(code).toBe(0);
});

test('a secret that is missing in the vault stops at once, and names the variable', async () => {
  fake.arm.references = { BALENA_API_KEY: true, WEBHOOK_SECRETS: false };
  const { code, output } = await run();
  expect(output).toBe(
    [
      '✗ Key Vault has no secret for the setting WEBHOOK_SECRETS.',
      '  To do: azd env set NEW_WEBHOOK_SECRETS <value>, then azd up.',
      '',
    ].join('\n'),
  );
  expect(code).toBe(1);
});

test('functions that are not listed are named when the time is up', async () => {
  fake.arm.functionNames = expectedFunctions.filter((name) => name !== 'worker');
  const { code, output } = await run({ POSTDEPLOY_LIMIT_MINUTES: '0.03' });
  expect(output).toMatch(/\n✗ The functions worker are not listed yet\.\n {2}To do: .*messages-waiting/);
  expect(code).toBe(1);
});

test('the line of health that is not ok is named when the time is up', async () => {
  // The key is the host's, so the answer of a stopped app is never 200.
  fake.arm.references = {};
  const health = fake.arm.health.bind(fake.arm);
  fake.arm.health = (key) =>
    health(key).status === 200 ? { status: 503, body: 'queue: NOT OK, no right to send\n' } : health(key);
  const { code, output } = await run({ POSTDEPLOY_LIMIT_MINUTES: '0.03' });
  expect(output).toMatch(/\n✗ GET \/api\/health answers 503: queue: NOT OK, no right to send\n {2}To do: /);
  expect(code).toBe(1);
});

test('all wrong settings are named, long before the time is up', async () => {
  const wrong =
    'configuration: NOT OK, SWEEP_SCHEDULE must be off or six fields\nconfiguration: NOT OK, CERT_KEY is wrong\n';
  fake.arm.health = () => ({ status: 503, body: wrong });
  const { code, output } = await run();
  expect(withoutTimes(output)).toContain(
    '✗ GET /api/health answers 503: configuration: NOT OK, SWEEP_SCHEDULE must be off or six fields; configuration: NOT OK, CERT_KEY is wrong\n  To do: correct the settings with azd env set, then azd up.\n',
  );
  expect(await transcripts()).toContain(withoutTimes(output));
  expect(code).toBe(1);
});

test.each([
  [
    'a sign-in that expires meanwhile',
    () => (fake.restFails = 'expired'),
    /✗ A request to Azure failed: AADSTS.*\n {2}To do: run az login/,
  ],
  [
    'no right to restart',
    () => (fake.arm.forbidden = /restart$/),
    /✗ A request to Azure failed: Forbidden.*\n {2}To do: get the role Owner/,
  ],
])('%s ends the hook at once', async (_, act, expected) => {
  act();
  const { code, output } = await run();
  expect(output).toMatch(expected);
  expect(code).toBe(1);
});

test('the key of health has another name, or is missing', async () => {
  fake.arm.healthKeys = { next: fake.arm.healthKey };
  expect((await run()).code).toBe(0);
  fake.arm.healthKeys = {};
  const { code, output } = await run();
  expect(output).toMatch(/✗ The function health has no key\.\n {2}To do: az functionapp function keys set/);
  expect(code).toBe(1);
});

test('Azure that is busy, and a host that is still starting, are waited for', async () => {
  fake.arm.nextAnswers = [503, 500, 429, 503, 503];
  const answers = [
    { status: 503, body: 'Function host is not running.' },
    { status: 404, body: '' },
    { status: 503, body: 'queue: NOT OK, no right to send\n' },
  ];
  const health = fake.arm.health.bind(fake.arm);
  fake.arm.health = (key) => answers.shift() ?? health(key);
  const { code, output } = await run();
  expect(withoutTimes(output)).toContain(
    '  TIME: A request to Azure failed: Too Many Requests({"error":{"code":"SomeError","message":"Please try again later."}})\n'.replace(
      'Too Many Requests',
      'Service Unavailable',
    ),
  );
  expect(withoutTimes(output)).toContain(
    '  TIME: GET /api/health answers 503.\n  TIME: GET /api/health answers 404.\n  TIME: GET /api/health answers 503: queue: NOT OK, no right to send\n✓ GET /api/health answers 200',
  );
  expect(code).toBe(0);
});

test('a limit that is no number is the usual limit', async () => {
  fake.arm.refreshesBeforeRoleWorks = 3;
  const { code, output } = await run({ POSTDEPLOY_LIMIT_MINUTES: 'soon', POSTDEPLOY_POLL_SECONDS: '0.01' });
  expect(output).toMatch(/^ {2}\d:\d\d of 20:00: Key Vault does not yet give/);
  expect(code).toBe(0);
});

test('a deployment without resources is named', async () => {
  const { output } = await run({ OPS_URL: '' });
  expect(output).toContain(
    '✗ The azd environment has no OPS_URL.\n  To do: run azd provision --no-state first.',
  );
});

test('the hook expects every function that no setting switches off', async () => {
  const folder = join(projectFolder(), 'functions');
  const names: string[] = [];
  for (const file of await readdir(folder)) {
    const text = await readFile(join(folder, file), 'utf8');
    // A registration that depends on a setting is indented. The worker depends on the settings of the queue, which the template always sets.
    names.push(...[...text.matchAll(/^app\.\w+\('(\w+)'/gm)].map(([, name]) => name!));
  }
  expect([...expectedFunctions].sort()).toEqual([...names, 'worker'].sort());
});
