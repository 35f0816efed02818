import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
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
  expect(azure.match(/run: npm ci && npm run package\n/g)).toHaveLength(2);
  expect(scripts.package).toContain('dist/local/package/main.js');
  expect(assemble).toContain("'.package'");
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

test('no worker is always ready unless a parameter says so, or the platform cannot count the messages', async () => {
  const alwaysReady = 'properties.functionAppConfig.scaleAndConcurrency.alwaysReady';
  expect(value('defaults', alwaysReady)).toEqual([]);
  expect(value('full', alwaysReady)).toEqual([{ name: 'function:worker', instanceCount: 2 }]);
  // The platform would never start a worker again after a scale to zero.
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
