import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { azureDocument } from '../../../local/infra/azureTables.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import {
  deploymentOf,
  type Example,
  examples,
  resourceOf,
  resourcesOf,
  valueAt,
} from './support/snapshots.js';

const read = (path: string) => readFile(join(projectFolder(), path), 'utf8');
/** The variables of the azd environment that fill the parameters, by parameter. */
const variables = Object.fromEntries(
  [...(await read('infra/main.parameters.json')).matchAll(/"(\w+)": \{ "value": "\$\{(\w+)/g)].map(
    ([, parameter, variable]) => [parameter!, variable!],
  ),
);
const app = (example: Example) => resourceOf(example, 'Microsoft.Web/sites');
const value = (example: Example, path: string) => valueAt(app(example), path);

test('azd deploys the folder that npm run package assembles, as it is', async () => {
  const [azure, { scripts }, assemble] = await Promise.all([
    read('azure.yaml'),
    read('package.json').then((text) => JSON.parse(text) as { scripts: Record<string, string> }),
    read('local/package/main.ts'),
  ]);
  expect(azure).toContain('    dist: .package\n');
  expect(azure).toContain('    remoteBuild: false\n');
  expect(await read('infra/hooks/prepackage.js')).toContain("await npm(env, 'run', 'package');");
  expect(scripts.package).toContain('dist/local/package/main.js');
  expect(assemble).toContain("'.package'");
});

test('the tables of docs/azure.md are those of infra/', async () => {
  expect(await read('docs/azure.md')).toBe(await azureDocument());
});

test('azd finds the app by the name of its service', async () => {
  const [, service] = /\nservices:\n {2}(\w+):\n/.exec(await read('azure.yaml')) ?? [];
  for (const example of examples) expect(app(example).tags?.['azd-service-name']).toBe(service);
});

test('the functions run on the Node that they are tested with', async () => {
  const { devDependencies } = JSON.parse(await read('package.json')) as {
    devDependencies: Record<string, string>;
  };
  expect(value('defaults', 'properties.functionAppConfig.runtime')).toEqual({
    name: 'node',
    version: /\d+/.exec(devDependencies.node!)![0],
  });
});

test('an update ends running executions unless a parameter says otherwise', () => {
  const strategy = 'properties.functionAppConfig.siteUpdateStrategy';
  expect(value('defaults', strategy) ?? null).toBeNull();
  expect(value('full', strategy)).toEqual({ type: 'RollingUpdate' });
});

test('one worker is always ready unless a parameter says otherwise', async () => {
  const alwaysReady = 'properties.functionAppConfig.scaleAndConcurrency.alwaysReady';
  expect(value('defaults', alwaysReady)).toEqual([{ name: 'function:worker', instanceCount: 1 }]);
  expect(value('full', alwaysReady)).toEqual([{ name: 'function:worker', instanceCount: 2 }]);
  // Without the count of the messages, the platform would never start a worker again after a scale to zero.
  expect(value('existingHub', alwaysReady)).toEqual([{ name: 'function:worker', instanceCount: 1 }]);
  expect(await read('functions/worker.ts')).toContain("app.serviceBusQueue('worker',");
});

test.each(examples)('%s: functions, host and Key Vault use the one identity', (example) => {
  const { id } = resourceOf(example, 'Microsoft.ManagedIdentity/userAssignedIdentities');
  expect(app(example).identity).toEqual({ type: 'UserAssigned', userAssignedIdentities: { [id]: {} } });
  expect(value(example, 'properties.keyVaultReferenceIdentity')).toBe(id);
  expect(value(example, 'properties.functionAppConfig.deployment.storage.authentication')).toEqual({
    type: 'UserAssignedIdentity',
    userAssignedIdentityResourceId: id,
  });
});

test('a created hub has the chosen size, and a hub that is named as existing stays as it is', () => {
  const hub = resourceOf('full', 'Microsoft.Devices/IotHubs');
  expect(hub.sku).toEqual({ name: 'S2', capacity: 3 });
  expect(deploymentOf('full').outputs.AZURE_IOT_HUB).toBe(hub.name);
  expect(resourcesOf('existingHub', 'Microsoft.Devices/IotHubs')).toEqual([]);
  expect(deploymentOf('existingHub').outputs.AZURE_IOT_HUB).toBe('our-hub');
});

test('the second deployment knows the hub of the first one by an output, and leaves the hub as it is', async () => {
  const { outputs } = deploymentOf('defaults');
  expect(outputs.CREATED_IOT_HUB).toBe(resourceOf('defaults', 'Microsoft.Devices/IotHubs').name);
  expect(variables.createdIotHubName).toBe('CREATED_IOT_HUB');
  expect(resourcesOf('secondDeployment', 'Microsoft.Devices/IotHubs')).toEqual([]);
  expect(deploymentOf('secondDeployment').outputs.CREATED_IOT_HUB).toBe('iot-created');
  expect(deploymentOf('existingHub').outputs.CREATED_IOT_HUB).toBe('');
});

test('a created hub has a lock against deletion, and an existing hub gets none', () => {
  const locksOf = (example: Example) =>
    resourcesOf(example, 'Microsoft.Authorization/locks').map(({ id, properties }) => [
      id.includes('Microsoft.Devices/IotHubs'),
      properties.level,
    ]);
  expect(locksOf('defaults')).toEqual([[true, 'CanNotDelete']]);
  expect(locksOf('existingHub')).toEqual([]);
  expect(locksOf('secondDeployment')).toEqual([]);
});

test('a created hub has no shared access policies, and rejects TLS below 1.2 where a hub has this property', () => {
  const hub = (example: Example) => resourceOf(example, 'Microsoft.Devices/IotHubs').properties;
  expect(hub('defaults')).toMatchObject({ disableLocalAuth: true, minTlsVersion: null });
  expect(hub('full')).toMatchObject({ disableLocalAuth: true, minTlsVersion: '1.2' });
});

test('the tier and the units of the hub are outputs, and no parameter reads an output of another meaning', async () => {
  const { outputs } = deploymentOf('full');
  expect(outputs.IOTHUB_TIER).toMatch(/sku\.name\]$/);
  expect(outputs.IOTHUB_UNITS).toMatch(/sku\.capacity\)\]$/);
  // azd stores outputs in its environment, where the next deployment reads its parameters.
  expect(Object.values(variables).filter((name) => name in outputs)).toEqual(['CREATED_IOT_HUB']);
});

test('no parameter reads the setting of a secret from the shell of the operator', async () => {
  expect(variables).toMatchObject({
    balenaApiKey: 'NEW_BALENA_API_KEY',
    webhookSecrets: 'NEW_WEBHOOK_SECRETS',
  });
});

test('a deleted vault cannot be purged, and comes back if a parameter says so', () => {
  const vault = (example: Example) => resourceOf(example, 'Microsoft.KeyVault/vaults').properties;
  expect(vault('defaults')).toMatchObject({ enablePurgeProtection: true, createMode: 'default' });
  // Azure rejects `false`.
  expect(vault('existingHub')).toMatchObject({ enablePurgeProtection: null, createMode: 'recover' });
});

test.each(examples)('%s: nobody deploys with a password', (example) => {
  const doors = resourcesOf(example, 'Microsoft.Web/sites/basicPublishingCredentialsPolicies');
  expect(doors.map(({ name, properties }) => [name.split('/')[1], properties.allow])).toEqual([
    ['ftp', false],
    ['scm', false],
  ]);
});

test('reads of secrets and changes of identities are logged', () => {
  const logsOf = (example: Example) =>
    resourcesOf(example, 'Microsoft.Insights/diagnosticSettings').map(({ properties }) => properties.logs);
  const secrets = [{ category: 'AuditEvent', enabled: true }];
  const identities = [{ category: 'DeviceIdentityOperations', enabled: true }];
  expect(logsOf('defaults')).toEqual([identities, secrets]);
  expect(logsOf('existingHub')).toEqual([secrets]);
});

test('PROVISION_URL is the address of the function, and the command names the function of the key', async () => {
  const { outputs } = deploymentOf('full');
  const { id, apiVersion, name } = app('full');
  const hostName = `reference('${id}', '${apiVersion}').defaultHostName`;
  expect(outputs.PROVISION_URL).toBe(`[format('https://{0}/api/provision?code=KEY', ${hostName})]`);
  expect(outputs.OPS_URL).toBe(`[format('https://{0}/api/ops', ${hostName})]`);
  expect(outputs.PROVISION_KEY_COMMAND).toContain(
    `--resource-group provisioning --name ${name} --function-name provision `,
  );
  expect(await read('functions/provision.ts')).toContain("app.http('provision',");
  expect(JSON.parse(await read('host.json')).extensions.http.routePrefix).toBe('api');
});
