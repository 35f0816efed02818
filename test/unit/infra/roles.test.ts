import { evaluate } from './support/evaluate.js';
import { property } from './support/readBicep.js';
import { readInfra } from './support/readInfra.js';

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

const infra = await readInfra();
const main = infra.get('main.bicep')!;
const assignments = [...infra.values()].flatMap((file) =>
  file.resources
    .filter(({ type }) => type === 'Microsoft.Authorization/roleAssignments')
    .map(({ symbol, body }) => {
      const text = (path: string) => property(body, path)!.text;
      const role = /, (\w+)\)$/.exec(text('properties.roleDefinitionId'))?.[1] ?? '';
      const scope = file.resources.find(({ symbol }) => symbol === text('scope'))!;
      return {
        who: text('properties.principalId').replace('PrincipalId', ''),
        kind: text('properties.principalType'),
        role: roles[String(evaluate(file.variables.get(role)!, file))],
        on: scope.type.replace('Microsoft.', ''),
        condition:
          new RegExp(`resource ${symbol} '[^']+' = (if .*\\))? ?\\{`).exec(file.root.text)?.[1] ?? '',
        name: text('name'),
        expected: `guid(${scope.symbol}.id, ${text('properties.principalId')}, ${role})`,
      };
    }),
);
const of = (who: string, condition: string) =>
  assignments
    .filter((each) => each.who === who && each.condition === condition)
    .map(({ role, on }) => `${role} on ${on}`)
    .sort();

test('the functions may do what their code needs, and no more', () => {
  expect(of('functions', '')).toEqual([
    'Azure Service Bus Data Receiver on ServiceBus/namespaces/queues',
    'Azure Service Bus Data Sender on ServiceBus/namespaces/queues',
    'IoT Hub Registry Contributor on Devices/IotHubs',
    'Key Vault Secrets User on KeyVault/vaults',
    'Monitoring Metrics Publisher on Insights/components',
    'Storage Blob Data Owner on Storage/storageAccounts',
    'Storage Table Data Contributor on Storage/storageAccounts',
  ]);
});

test('ops may count and move messages, change records and look at the hub, and change nothing there', () => {
  expect(of('ops', 'if (!empty(opsPrincipalId))')).toEqual([
    'Azure Service Bus Data Owner on ServiceBus/namespaces/queues',
    'IoT Hub Data Reader on Devices/IotHubs',
    'Key Vault Secrets User on KeyVault/vaults',
    'Storage Table Data Contributor on Storage/storageAccounts',
  ]);
});

test('the platform may count the messages of the one queue, to scale the worker, unless that is refused', () => {
  expect(evaluate(main.parameters.get('functionsManageQueue')!.default!, main)).toBe(true);
  expect(of('functions', 'if (functionsManageQueue)')).toEqual([
    'Azure Service Bus Data Owner on ServiceBus/namespaces/queues',
  ]);
});

test('nobody else gets a role, and ops none unless there is one', () => {
  expect(assignments).toHaveLength(12);
  expect(assignments.map(({ who }) => who).filter((who) => who !== 'functions' && who !== 'ops')).toEqual([]);
});

test.each(assignments)('$role for $who has a name that stays when it is deployed again', (assignment) => {
  expect(assignment.name).toBe(assignment.expected);
  expect(assignment.kind).toBe(assignment.who === 'ops' ? 'opsPrincipalType' : "'ServicePrincipal'");
});
