import { deploymentOf, type Example, examples, resourcesOf, valueAt } from './support/snapshots.js';

/** https://learn.microsoft.com/azure/role-based-access-control/built-in-roles, looked up on 2026-11-25. */
const roles: Record<string, string> = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Storage Blob Data Owner',
  '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3': 'Storage Table Data Contributor',
  '4f6d3b9b-027b-4f4c-9142-0e5a2a2247e0': 'Azure Service Bus Data Receiver',
  '69a216fc-b8fb-44d8-bc22-1f3c2cd27a39': 'Azure Service Bus Data Sender',
  '090c5cfd-751d-490a-894a-3ce6f1109419': 'Azure Service Bus Data Owner',
  '4ea46cd5-c1b2-4a8e-910b-273211f9ce47': 'IoT Hub Registry Contributor',
  'b447c946-2db7-41ec-983d-d8bf3b1c77e3': 'IoT Hub Data Reader',
  '4633458b-17de-408a-b874-0445c86b69e6': 'Key Vault Secrets User',
  '3913510d-42f4-4e42-8a64-420c390055eb': 'Monitoring Metrics Publisher',
};

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
      role: roles[String(valueAt(resource, 'properties.roleDefinitionId')).split('/').at(-1)!],
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
  expect(of('full', 'functions')).toEqual([owner, ...needed]);
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
    [toManage, forOperators, forOperators, forOperators].sort(),
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
