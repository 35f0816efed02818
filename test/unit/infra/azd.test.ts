import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { evaluate } from './support/evaluate.js';
import { property } from './support/readBicep.js';
import { moduleOf, readInfra } from './support/readInfra.js';

const read = (path: string) => readFile(join(projectFolder(), path), 'utf8');
const infra = await readInfra();
const main = infra.get('main.bicep')!;
const { file, given } = moduleOf(infra, 'functions');
const app = file.resources.find(({ symbol }) => symbol === 'app')!.body;
const value = (path: string, more: Record<string, unknown> = {}) =>
  evaluate(property(app, path)!, file, { ...given, ...more });

test('main.parameters.json fills each parameter from the azd environment, with the default that it has', async () => {
  const { parameters } = JSON.parse(await read('infra/main.parameters.json')) as {
    parameters: Record<string, { value: unknown }>;
  };
  expect(Object.keys(parameters)).toEqual([...main.parameters.keys()]);
  for (const [name, { default: fallback }] of main.parameters) {
    const { value } = parameters[name]!;
    const [, , azdDefault] = /^\$\{(\w+)(?:=(.*))?\}$/.exec(String(value)) ?? [];
    // An empty text would replace a default.
    const expected = fallback ? evaluate(fallback, main) : '';
    if (typeof value === 'string') expect([name, azdDefault ?? '']).toEqual([name, String(expected)]);
    else expect([name, value]).toEqual([name, expected]);
  }
});

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
  expect(property(app, 'tags')?.text).toContain(`{ 'azd-service-name': '${service}' }`);
});

test('the functions run on the Node that they are tested with', async () => {
  const { devDependencies } = JSON.parse(await read('package.json')) as {
    devDependencies: Record<string, string>;
  };
  expect(value('properties.functionAppConfig.runtime')).toEqual({
    name: 'node',
    version: /\d+/.exec(devDependencies.node!)![0],
  });
});

test('none is always ready unless it is asked for, and then it is a worker', async () => {
  const alwaysReady = 'properties.functionAppConfig.scaleAndConcurrency.alwaysReady';
  expect(value(alwaysReady)).toEqual([]);
  expect(value(alwaysReady, { alwaysReadyWorkers: 1 })).toEqual([
    { name: 'function:worker', instanceCount: 1 },
  ]);
  expect(await read('functions/worker.ts')).toContain("app.serviceBusQueue('worker',");
});

test.each([
  [true, 0, 0],
  [true, 2, 2],
  [false, 0, 1],
  [false, 2, 2],
])(
  'a worker that the platform would not wake is always ready (may count: %s, asked for: %i)',
  (functionsManageQueue, alwaysReadyWorkers, expected) => {
    const { params } = main.modules.find(({ symbol }) => symbol === 'functions')!;
    const chosen = { functionsManageQueue, alwaysReadyWorkers };
    expect(evaluate(params.get('alwaysReadyWorkers')!, main, chosen)).toBe(expected);
  },
);

test('the functions, the host and Key Vault are reached with the one identity', () => {
  expect(property(app, 'identity')?.text).toMatch(
    /UserAssigned'\s+userAssignedIdentities: \{ '\$\{identityId\}': \{\} \}/,
  );
  expect(property(app, 'properties.keyVaultReferenceIdentity')?.text).toBe('identityId');
  const authentication = property(app, 'properties.functionAppConfig.deployment.storage.authentication')!;
  expect(evaluate(authentication, file, { identityId: 'the id' })).toEqual({
    type: 'UserAssignedIdentity',
    userAssignedIdentityResourceId: 'the id',
  });
});

test('a hub that was made stays as it is from the second deployment on, once it is said to exist', () => {
  const at = (variable: string, given: object) =>
    evaluate(main.variables.get(variable)!, main, { environmentName: 'production', ...given });
  const hubName = (given: object) =>
    evaluate(main.modules.find(({ symbol }) => symbol === 'hub')!.params.get('hubName')!, main, {
      'newHub!.outputs.name': 'iot-abc',
      ...given,
    });
  expect([at('makesHub', {}), at('hubGroupName', {}), hubName({})]).toEqual([
    true,
    'rg-production',
    'iot-abc',
  ]);
  // The name is enough: the resource is in the group of the deployment.
  const second = { existingIotHubName: 'iot-abc' };
  expect([at('makesHub', second), at('hubGroupName', second), hubName(second)]).toEqual([
    false,
    at('groupName', {}),
    'iot-abc',
  ]);
  expect(main.root.text).toContain("module newHub 'modules/iotHub.bicep' = if (makesHub) {");
});

test('PROVISION_URL is the address of the function, and the command names the function whose key it takes', async () => {
  const output = (name: string) =>
    evaluate(main.outputs.get(name)!, main, {
      'functions.outputs.hostName': 'func-abc.azurewebsites.net',
      'functions.outputs.name': 'func-abc',
      'group.name': 'rg-abc',
    });
  expect(output('PROVISION_URL')).toBe('https://func-abc.azurewebsites.net/api/provision?code=KEY');
  expect(output('OPS_URL')).toBe('https://func-abc.azurewebsites.net/api/ops');
  expect(output('PROVISION_KEY_COMMAND')).toContain(
    '--resource-group rg-abc --name func-abc --function-name provision ',
  );
  expect(await read('functions/provision.ts')).toContain("app.http('provision',");
  expect(JSON.parse(await read('host.json')).extensions.http.routePrefix).toBe('api');
});

/** https://learn.microsoft.com/azure/templates, looked up on 2026-11-25; the properties, too. */
const documented = [
  'Microsoft.Authorization/roleAssignments@2022-04-01',
  'Microsoft.Devices/IotHubs@2023-06-30',
  'Microsoft.Insights/actionGroups@2023-01-01',
  'Microsoft.Insights/components@2020-02-02',
  'Microsoft.Insights/metricAlerts@2018-03-01',
  'Microsoft.Insights/scheduledQueryRules@2023-12-01',
  'Microsoft.KeyVault/vaults/secrets@2023-07-01',
  'Microsoft.KeyVault/vaults@2023-07-01',
  'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31',
  'Microsoft.OperationalInsights/workspaces@2023-09-01',
  'Microsoft.Resources/resourceGroups@2024-03-01',
  'Microsoft.ServiceBus/namespaces/queues@2024-01-01',
  'Microsoft.ServiceBus/namespaces@2024-01-01',
  'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01',
  'Microsoft.Storage/storageAccounts/blobServices@2023-05-01',
  'Microsoft.Storage/storageAccounts@2023-05-01',
  'Microsoft.Web/serverfarms@2024-04-01',
  'Microsoft.Web/sites@2024-04-01',
];

test('every type of resource is one that was looked up, in the version that was', () => {
  const used = [...infra.values()].flatMap(({ resources }) =>
    resources.map(({ type, version }) => `${type}@${version}`),
  );
  expect([...new Set(used)].sort()).toEqual(documented);
});
