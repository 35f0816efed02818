import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startBalena } from '../../../../local/simulators/balena/startBalena.js';
import { runHook } from '../../../support/azure/runHook.js';
import { transcripts } from '../../../support/azure/transcripts.js';
import { useFakeAzure } from '../../../support/azure/useFakeAzure.js';

const fake = await useFakeAzure();
const balena = await startBalena({ fleet: 'my_org/my_fleet' });
afterAll(() => balena.close());
const { apiUrl, apiKey } = balena.endpoints;

const group = '/subscriptions/sub/resourceGroups/rg-production';
const vault = `${group}/providers/Microsoft.KeyVault/vaults/kv-abc`;
const hub = `${group}/providers/Microsoft.Devices/IotHubs/iot-abc`;
const tags = { 'azd-env-name': 'production' };

/** The azd environment before the first deployment. */
const first = {
  AZURE_ENV_NAME: 'production',
  AZURE_LOCATION: 'westeurope',
  AZURE_SUBSCRIPTION_ID: 'sub',
  MORE_SETTINGS: JSON.stringify({ BALENA_API_URL: apiUrl }),
};
const given = { ...first, NEW_BALENA_API_KEY: apiKey, FLEETS: 'My_Org/my_fleet' };

const run = (env: Record<string, string>) => runHook(fake, 'preprovision', env);

/** The state after the first deployment. */
function deployed(secrets = ['BALENA-API-KEY']) {
  fake.arm.add(group);
  fake.arm.add(vault, { tags });
  for (const name of secrets) fake.arm.add(`${vault}/secrets/${name}`);
  fake.arm.add(hub, { tags, sku: { name: 'S1' } });
}

afterEach(() => {
  // The hook puts no secret into an argument, which other users of the machine can read.
  expect(JSON.stringify(fake.calls.map(({ args }) => args))).not.toContain(apiKey);
});

test('a first deployment with a good key', async () => {
  expect(await run(given)).toEqual({
    code: 0,
    output: '✓ balena accepts the new API key, which sees my_org/my_fleet.\n',
  });
});

test('a first deployment without a key stops, and a key of the shell does not count', async () => {
  const { code, output } = await run({ ...first, BALENA_API_KEY: 'a personal key' });
  expect(output).toBe(
    [
      '  BALENA_API_KEY is not used: only NEW_BALENA_API_KEY of the azd environment goes into Key Vault.',
      '✗ There is no balena API key: neither a new one nor one in Key Vault.',
      '  To do: azd env set NEW_BALENA_API_KEY <value>. The deployment stores the value in Key Vault, and then removes it from the azd environment.',
      '  To do: repair the above, then run the same azd command again. Nothing was created or changed.',
      '',
    ].join('\n'),
  );
  expect(code).toBe(1);
});

test('a later deployment finds key and hub', async () => {
  deployed();
  const { code, output } = await run({
    ...first,
    CREATED_IOT_HUB: 'iot-abc',
    BALENA_API_KEY: 'a personal key',
  });
  expect(code).toBe(0);
  expect(await transcripts()).toContain(output);
  expect(output).toBe(
    [
      '✓ The resource group rg-production is in westeurope.',
      '✓ The hub iot-abc exists, and stays as it is.',
      '  BALENA_API_KEY is not used: only NEW_BALENA_API_KEY of the azd environment goes into Key Vault.',
      '✓ The vault has the secret BALENA-API-KEY.',
      '',
    ].join('\n'),
  );
});

test('all faults are shown at once: the region, the key of another system', async () => {
  const { code, output } = await run({
    ...given,
    AZURE_LOCATION: 'westindia',
    NEW_BALENA_API_KEY: 'revoked',
  });
  expect(output).toMatch(
    /^✗ The region westindia is not known to have Flex Consumption.*\n {2}To do: azd env set AZURE_LOCATION to one of: australiaeast .*westus3\..*\n✗ balena rejects the new API key\.\n {2}To do: /,
  );
  expect(output).not.toContain('revoked');
  expect(await transcripts()).toContain(output.replace(/australiaeast .*westus3/, 'REGIONS'));
  expect(code).toBe(1);
});

test('a key that does not see a fleet stops the deployment', async () => {
  const { code, output } = await run({ ...given, FLEETS: 'my_org/my_fleet,my_org/other' });
  expect(output).toMatch(
    /✗ The new balena API key does not see my_org\/other\.\n.*The key sees: my_org\/my_fleet\./,
  );
  expect(code).toBe(1);
});

test('a balena that this machine cannot reach is a warning', async () => {
  const unreachable = { ...given, MORE_SETTINGS: '{"BALENA_API_URL": "http://127.0.0.1:9/"}' };
  expect(await run(unreachable)).toEqual({
    code: 0,
    output: '! The new balena API key is not checked, because this machine cannot reach 127.0.0.1:9.\n',
  });
});

test('webhooks need a secret, given now or in the vault', async () => {
  deployed();
  const webhooks = { ...first, CREATED_IOT_HUB: 'iot-abc', WEBHOOKS: 'true' };
  expect((await run(webhooks)).output).toContain('azd env set NEW_WEBHOOK_SECRETS <value>');
  expect((await run({ ...webhooks, NEW_WEBHOOK_SECRETS: 'whsec_x' })).code).toBe(0);
  fake.arm.add(`${vault}/secrets/WEBHOOK-SECRETS`);
  expect((await run(webhooks)).code).toBe(0);
});

test('the vault that azd down has deleted is recovered, once', async () => {
  const deleted = { id: vault, name: 'kv-abc', location: 'westeurope', properties: {} };
  const properties = { vaultId: vault, location: 'westeurope', tags };
  // A vault of another environment, and a vault of another region, are not ours.
  fake.arm.deletedVaults = [
    { ...deleted, properties: { ...properties, tags: { 'azd-env-name': 'test' } } },
    { ...deleted, properties: { ...properties, location: 'northeurope' } },
  ];
  expect((await run(first)).code).toBe(1);
  expect(fake.azdEnv).toEqual({});
  fake.arm.deletedVaults.push({ ...deleted, properties });
  expect(await run(first)).toEqual({
    code: 0,
    output: [
      '✓ The deployment recovers the deleted Key Vault of this environment, with its secrets.',
      '! Whether the recovered vault has the secret BALENA-API-KEY is seen after the deployment.',
      '',
    ].join('\n'),
  });
  expect(fake.azdEnv).toEqual({ KEY_VAULT_RECOVER: 'true' });
  deployed();
  await run({ ...first, CREATED_IOT_HUB: 'iot-abc', ...fake.azdEnv });
  expect(fake.azdEnv).toEqual({ KEY_VAULT_RECOVER: 'false' });
});

test('a deployment from another computer finds the hub of this environment, and does not write it again', async () => {
  deployed();
  const { code, output } = await run(first);
  expect(output).toContain('✓ An earlier deployment has created the hub iot-abc, which stays as it is.\n');
  expect(fake.azdEnv).toEqual({ CREATED_IOT_HUB: 'iot-abc' });
  expect(code).toBe(0);
});

test('a hub that does not exist stops the deployment', async () => {
  deployed();
  const { output } = await run({ ...first, CREATED_IOT_HUB: 'iot-gone' });
  expect(output).toMatch(/✗ The hub iot-gone is not in .* rg-production\.\n.*azd env set CREATED_IOT_HUB ""/);
  const existing = { EXISTING_IOT_HUB: 'iot-abc', EXISTING_IOT_HUB_RESOURCE_GROUP: 'our-group' };
  expect((await run({ ...first, ...existing })).output).toContain('correct EXISTING_IOT_HUB (the name');
});

test('a resource group without the name of its hub stops the deployment', async () => {
  deployed();
  const { code, output } = await run({ ...first, EXISTING_IOT_HUB_RESOURCE_GROUP: 'our-group' });
  expect(output).toMatch(
    /✗ EXISTING_IOT_HUB_RESOURCE_GROUP is set, and EXISTING_IOT_HUB is not: .*\n.*azd env set EXISTING_IOT_HUB </,
  );
  expect(code).toBe(1);
});

test('an answer of balena with another form is a sentence, and no stack trace', async () => {
  const other = createServer((request, response) =>
    response.end(request.url?.includes('whoami') ? '{"actorType": "user"}' : '{"d": {}}'),
  );
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  const { code, output } = await run({ ...given, MORE_SETTINGS: JSON.stringify({ BALENA_API_URL: url }) });
  other.close();
  expect(output).toContain('The key sees: no fleet.');
  expect(code).toBe(1);
});

test('a hub of an unknown tier stops nothing, and the hook requests its rate', async () => {
  deployed();
  fake.arm.add(hub, { tags, sku: { name: 'GEN2' } });
  const named = { ...first, CREATED_IOT_HUB: 'iot-abc' };
  const { code, output } = await run(named);
  expect(output).toMatch(
    /! The hub iot-abc has the tier GEN2.*\n {2}To do: azd env set IOTHUB_OPERATIONS_PER_MINUTE/,
  );
  expect(code).toBe(0);
  expect((await run({ ...named, IOTHUB_OPERATIONS_PER_MINUTE: '400' })).output).not.toContain('GEN2');
});

test('a group in another region stops the deployment', async () => {
  deployed();
  fake.arm.add(group, { location: 'uksouth' });
  const { code, output } = await run({ ...given, CREATED_IOT_HUB: 'iot-abc' });
  expect(output).toMatch(
    /✗ The resource group rg-production is in uksouth, .*\n.*azd env set AZURE_LOCATION uksouth/,
  );
  expect(code).toBe(1);
});

test('another name of the group, as the hook advises, is a new place', async () => {
  deployed();
  fake.arm.add(group, { location: 'uksouth' });
  const { code, output } = await run({
    ...given,
    AZURE_RESOURCE_GROUP: 'rg-production',
    AZURE_RESOURCE_GROUP_NAME: 'rg-other',
  });
  expect(output).toBe('✓ balena accepts the new API key, which sees my_org/my_fleet.\n');
  expect(code).toBe(0);
});

test.each([
  ['{"CERT_DAYS": 90}', 'MORE_SETTINGS is not a JSON object of texts.'],
  ['CERT_DAYS=90', 'MORE_SETTINGS is not a JSON object of texts.'],
  ['{"BALENA_API_KEY": "k"}', 'MORE_SETTINGS has BALENA_API_KEY, which would be readable'],
  [
    '{"IOTHUB_CONNECTION_STRING": "HostName=h;SharedAccessKeyName=n;SharedAccessKey=c2VjcmV0"}',
    'MORE_SETTINGS has a key in IOTHUB_CONNECTION_STRING, which would be readable',
  ],
  ['{"BALENA_API_URL": "api.balena-cloud.com"}', 'BALENA_API_URL in MORE_SETTINGS is not a URL with https.'],
  [
    '{"BALENA_API_URL": "http://balena.example/"}',
    'BALENA_API_URL in MORE_SETTINGS is not a URL with https.',
  ],
])('MORE_SETTINGS %s stops the deployment', async (settings, expected) => {
  const { code, output } = await run({ ...given, AZURE_LOCATION: 'westindia', MORE_SETTINGS: settings });
  expect(output).toContain(`✗ ${expected}`);
  expect(output).toContain('The region westindia');
  expect(output).not.toMatch(/c2VjcmV0|^ +at /m);
  expect(code).toBe(1);
});

test('without an account, or without the Azure CLI, the hook says what to do', async () => {
  fake.signedIn = false;
  expect((await run(given)).output).toMatch(
    /✗ The Azure CLI cannot read the subscription sub\.\n {2}To do: run az login/,
  );
  const without = await runHook(fake, 'preprovision', given, undefined, '/usr/bin:/bin');
  expect(without.output).toContain('✗ The Azure CLI (az) is not installed.');
});

test('without rights the hook names the role', async () => {
  deployed();
  fake.arm.forbidden = /Microsoft\.KeyVault\/vaults$/;
  const { output } = await run({ ...given, CREATED_IOT_HUB: 'iot-abc' });
  expect(output).toMatch(
    /✗ A request to Azure failed: Forbidden.*AuthorizationFailed.*\n {2}To do: get the role Owner/,
  );
});

test('before azd has chosen a subscription, only a given key lets the deployment start', async () => {
  const { AZURE_SUBSCRIPTION_ID: _, AZURE_LOCATION: __, ...fresh } = given;
  expect((await run(fresh)).code).toBe(0);
  expect((await run({ ...fresh, NEW_BALENA_API_KEY: '' })).code).toBe(1);
  expect(fake.calls).toEqual([]);
});

test('a subscription that has used no resource provider yet is no fault', async () => {
  fake.arm.add(group);
  fake.arm.unregistered = ['Microsoft.Devices', 'Microsoft.KeyVault'];
  const { code, output } = await run(given);
  expect(output).toBe(
    '✓ The resource group rg-production is in westeurope.\n✓ balena accepts the new API key, which sees my_org/my_fleet.\n',
  );
  expect(code).toBe(0);
});

test('answers of Azure that pass are no fault', async () => {
  deployed();
  fake.arm.nextAnswers = [429, 500, 503];
  const { code, output } = await run({ ...first, CREATED_IOT_HUB: 'iot-abc' });
  expect(output).toContain('✓ The vault has the secret BALENA-API-KEY.');
  expect(code).toBe(0);
});

test.each([
  ['expired', /✗ A request to Azure failed: AADSTS700082: .*\n {2}To do: run az login/],
  ['otherTenant', /✗ A request to Azure failed: Unauthorized.*\n {2}To do: run az login/],
  ['offline', /✗ A request to Azure failed: HTTPSConnectionPool.*\n {2}To do: connect this machine to Azure/],
] as const)('the Azure CLI without a valid sign-in, or without a network: %s', async (failure, expected) => {
  deployed();
  fake.restFails = failure;
  const { code, output } = await run({ ...given, CREATED_IOT_HUB: 'iot-abc' });
  expect(output).toMatch(expected);
  expect(output).not.toMatch(/^ +at |WARNING|Traceback/m);
  expect(code).toBe(1);
});

test('the region by the name that people use is named as the deployment needs it', async () => {
  const { code, output } = await run({ ...given, AZURE_LOCATION: 'West Europe' });
  expect(output).toMatch(
    /✗ AZURE_LOCATION is West Europe, .*\n {2}To do: azd env set AZURE_LOCATION westeurope\./,
  );
  expect(code).toBe(1);
});

test.each([
  ['IOTHUB_LOCK', 'no', '✗ IOTHUB_LOCK is wrong. The value "no" is neither true nor false.'],
  [
    'FUNCTIONS_MANAGE_QUEUE',
    'False',
    '✗ FUNCTIONS_MANAGE_QUEUE is wrong. The value "False" is neither true nor false.',
  ],
  ['NEW_IOTHUB_UNITS', 'ten', '✗ NEW_IOTHUB_UNITS is wrong. The value "ten" is no whole number.'],
  ['FLEETS', 'my_org/my_fleet\r\n', '✗ FLEETS is wrong. The value "my_org/my_fleet\\r\\n" has a line end'],
  ['NEW_BALENA_API_KEY', 'pass"word', '✗ NEW_BALENA_API_KEY is wrong. Its value has a quotation mark'],
])('a value that azd drops or cannot hand on stops the deployment: %s=%s', async (name, value, expected) => {
  const { code, output } = await run({ ...first, NEW_BALENA_API_KEY: apiKey, [name]: value });
  expect(output).toContain(expected);
  expect(output).not.toContain('pass"word');
  expect(code).toBe(1);
});

test('a hub that an interrupted deployment has left unready stops the deployment', async () => {
  deployed();
  fake.arm.add(hub, { tags, sku: { name: 'S1' }, properties: { state: 'Activating' } });
  const { code, output } = await run(first);
  expect(output).toMatch(
    /✗ The hub iot-abc is in the state Activating, .*\n {2}To do: wait until az resource show/,
  );
  expect(fake.azdEnv.CREATED_IOT_HUB).toBeUndefined();
  expect(code).toBe(1);
});
