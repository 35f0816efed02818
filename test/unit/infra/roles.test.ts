import { roleNames } from '../../../local/infra/roleNames.js';
import { deploymentOf, type Example, examples, resourcesOf, valueAt } from './support/snapshots.js';

const operators = '00000000-0000-0000-0000-000000000003';
const principalOf = (example: Example) => {
  const [identity] = resourcesOf(example, 'Microsoft.ManagedIdentity/userAssignedIdentities');
  return `[reference('${identity?.id}', '${identity?.apiVersion}').principalId]`;
};

function assignmentsOf(example: Example) {
  return resourcesOf(example, 'Microsoft.Authorization/roleAssignments').map((resource) => {
    const [, scope = ''] =
      /^\[?(?:extensionResourceId\(')?(\/subscriptions\/.+?)(?:'|\/providers\/Microsoft.Authorization)/.exec(
        resource.id,
      ) ?? [];
    const principal = String(valueAt(resource, 'properties.principalId'));
    return {
      who: { [principalOf(example)]: 'functions', [operators]: 'operators' }[principal] ?? principal,
      kind: valueAt(resource, 'properties.principalType'),
      role: roleNames[String(valueAt(resource, 'properties.roleDefinitionId')).split('/').at(-1)!],
      scope,
    };
  });
}

/** The roles of a principal, as "role on the last parts of the scope". */
const of = (example: Example, principal: string) =>
  assignmentsOf(example)
    .filter(({ who }) => who === principal)
    .map(
      ({ role, scope }) =>
        `${role} on ${scope
          .split('/providers/')
          .at(-1)!
          .replace(/\/[a-z]+-?[a-z0-9]{13}/, '')}`,
    )
    .sort();

const needed = [
  'Azure Service Bus Data Receiver on Microsoft.ServiceBus/namespaces/queues/provisioning',
  'Azure Service Bus Data Sender on Microsoft.ServiceBus/namespaces/queues/provisioning',
  'IoT Hub Registry Contributor on Microsoft.Devices/IotHubs',
  'Key Vault Secrets User on Microsoft.KeyVault/vaults',
  'Monitoring Metrics Publisher on Microsoft.Insights/components',
  'Storage Blob Data Owner on Microsoft.Storage/storageAccounts/blobServices/default/containers/app-package',
  'Storage Blob Data Owner on Microsoft.Storage/storageAccounts/blobServices/default/containers/azure-webjobs-hosts',
  'Storage Blob Data Owner on Microsoft.Storage/storageAccounts/blobServices/default/containers/azure-webjobs-secrets',
  'Storage Table Data Contributor on Microsoft.Storage/storageAccounts',
];

test('the functions have the roles that their code needs', () => {
  expect(of('existingHub', 'functions')).toEqual(
    needed.map((each) => each.replace('IotHubs', 'IotHubs/our-hub')).sort(),
  );
});

test('the platform counts the messages of the one queue to scale the worker, unless a parameter refuses', () => {
  const owner = 'Azure Service Bus Data Owner on Microsoft.ServiceBus/namespaces/queues/provisioning';
  expect(of('defaults', 'functions')).toEqual([owner, ...needed]);
  const ofCa = 'Key Vault Crypto User on Microsoft.KeyVault/vaults/keys/device-ca';
  expect(of('full', 'functions')).toEqual([owner, ...needed, ofCa].sort());
});

test('operators count and move messages, change records, only read the hub, and see no secret', () => {
  expect(of('full', 'operators')).toEqual([
    'Azure Service Bus Data Owner on Microsoft.ServiceBus/namespaces/queues/provisioning',
    'IoT Hub Data Reader on Microsoft.Devices/IotHubs',
    'Storage Table Data Contributor on Microsoft.Storage/storageAccounts',
  ]);
});

// infra/hooks/takeRights.js finds the assignments by these texts, because Azure keeps an assignment that a template no longer has.
test('each right that a parameter gives names the parameter', () => {
  const marked = resourcesOf('full', 'Microsoft.Authorization/roleAssignments').map((resource) => [
    valueAt(resource, 'properties.principalId') === operators,
    valueAt(resource, 'properties.description'),
  ]);
  const forOperators = [true, 'balena-azure-iot-provisioner: operators'];
  const toManage = [false, 'balena-azure-iot-provisioner: FUNCTIONS_MANAGE_QUEUE'];
  expect(marked.filter(([, description]) => description !== undefined).sort()).toEqual(
    [toManage, [false, 'balena-azure-iot-provisioner: CA_KEY'], ...Array(3).fill(forOperators)].sort(),
  );
});

test('without operators, only the functions have roles', () => {
  for (const example of ['defaults', 'existingHub'] as const)
    expect(assignmentsOf(example).every(({ who }) => who === 'functions')).toBe(true);
});

test('an existing hub is reached in its own resource group', () => {
  const { scope } = assignmentsOf('existingHub').find(({ role }) => role === 'IoT Hub Registry Contributor')!;
  expect(scope).toContain('/resourceGroups/our-group/providers/Microsoft.Devices/IotHubs/our-hub');
  expect(resourcesOf('existingHub', 'Microsoft.Devices/IotHubs')).toEqual([]);
});

test.each(examples)('%s: each principal has its kind, and each assignment a name of its own', (example) => {
  for (const { who, kind } of assignmentsOf(example))
    expect(kind).toBe(who === 'functions' ? 'ServicePrincipal' : 'Group');
  const names = resourcesOf(example, 'Microsoft.Authorization/roleAssignments').map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  // A name of scope, principal and role stays the same at the next deployment.
  expect(names.every((name) => /^\[?guid\('\/subscriptions\/|^[0-9a-f-]{36}$/.test(name))).toBe(true);
  expect(deploymentOf(example).resources.length).toBeGreaterThan(names.length);
});
