import { runHook } from '../../../support/azure/runHook.js';
import { transcripts } from '../../../support/azure/transcripts.js';
import { useFakeAzure } from '../../../support/azure/useFakeAzure.js';

const fake = await useFakeAzure();
const group = '/subscriptions/sub/resourceGroups/rg-production';
const queue = `${group}/providers/Microsoft.ServiceBus/namespaces/sb-abc/queues/provisioning`;
const hub = `${group}/providers/Microsoft.Devices/IotHubs/iot-abc`;
const env = {
  AZURE_ENV_NAME: 'production',
  AZURE_SUBSCRIPTION_ID: 'sub',
  AZURE_RESOURCE_GROUP: 'rg-production',
  OPS_PRINCIPAL_ID: 'anna',
};

let count = 0;
/** Adds a role assignment, and returns its id. */
function assign(scope: string, principalId: string, mark?: string): string {
  const id = `${scope}/providers/Microsoft.Authorization/roleAssignments/${++count}`;
  const description = mark && `balena-azure-iot-provisioner: ${mark}`;
  fake.arm.add(id, { properties: { principalId, scope, ...(description && { description }) } });
  return id.toLowerCase();
}
const lock = () => fake.arm.add(`${hub}/providers/Microsoft.Authorization/locks/keep-devices`);

beforeEach(() => {
  fake.arm.add(group);
  fake.arm.add(hub, { tags: { 'azd-env-name': 'production' } });
});

describe('postprovision', () => {
  const run = (more: Record<string, string> = {}) => runHook(fake, 'postprovision', { ...env, ...more });

  test('the azd environment keeps no copy of a secret, and webhooks stay on', async () => {
    const { code, output } = await run({ NEW_BALENA_API_KEY: 'hunter2', NEW_WEBHOOK_SECRETS: 'hunter3' });
    expect(output).toBe(
      [
        '✓ Key Vault has the secrets of webhooks. The azd environment has no copy.',
        '✓ Key Vault has the balena API key. The azd environment has no copy.',
        '',
      ].join('\n'),
    );
    expect(code).toBe(0);
    // WEBHOOKS comes first: if the hook stops in between, the next deployment keeps POST /api/webhook.
    expect(Object.entries(fake.azdEnv)).toEqual([
      ['WEBHOOKS', 'true'],
      ['NEW_WEBHOOK_SECRETS', ''],
      ['NEW_BALENA_API_KEY', ''],
    ]);
  });

  test('nothing new changes nothing', async () => {
    expect(await run()).toEqual({ code: 0, output: '' });
    expect(fake.azdEnv).toEqual({});
  });

  test('a former operator loses all rights that the parameter gave, and nobody else loses any', async () => {
    const former = [assign(queue, 'bert', 'operators'), assign(hub, 'bert', 'operators')];
    const kept = [
      assign(queue, 'anna', 'operators'),
      assign(queue, 'functions', 'FUNCTIONS_MANAGE_QUEUE'),
      assign(queue, 'functions'),
      // Given by hand, or by another template.
      assign(group, 'bert'),
      assign('/subscriptions/sub', 'bert', 'operators'),
    ];
    const { code, output } = await run();
    expect(output).toBe(
      [
        '✓ A former right is removed (operators): bert on Microsoft.ServiceBus/namespaces/sb-abc/queues/provisioning',
        '✓ A former right is removed (operators): bert on Microsoft.Devices/IotHubs/iot-abc',
        '',
      ].join('\n'),
    );
    expect(code).toBe(0);
    expect(former.filter((id) => fake.arm.resources.has(id))).toEqual([]);
    expect(kept.filter((id) => !fake.arm.resources.has(id))).toEqual([]);
  });

  test('without operators, and without the right to manage the queue, nobody keeps such a right', async () => {
    const all = [assign(queue, 'anna', 'operators'), assign(queue, 'functions', 'FUNCTIONS_MANAGE_QUEUE')];
    await run({ OPS_PRINCIPAL_ID: '', FUNCTIONS_MANAGE_QUEUE: 'false' });
    expect(all.filter((id) => fake.arm.resources.has(id))).toEqual([]);
  });

  test('a right that the lock of the hub keeps is named with its command', async () => {
    const id = assign(hub, 'bert', 'operators');
    lock();
    const { code, output } = await run();
    expect(output).toMatch(
      /^! A former right stays \(.*ScopeLocked.*\): bert on .*\n {2}To do: .*az role assignment delete --ids/,
    );
    expect(output.toLowerCase()).toContain(id);
    expect(code).toBe(0);
  });
});

describe('predown', () => {
  const run = () => runHook(fake, 'predown', env);

  test('stops before anything is deleted while a lock protects the hub', async () => {
    lock();
    const { code, output } = await run();
    expect(output).toMatch(
      /^✗ azd down would delete the hub iot-abc with the identities of all devices\..*\n.*az lock delete --ids \S+\/locks\/keep-devices, then azd down\./,
    );
    expect(await transcripts()).toContain(output.replace(/--ids \S+,/, '--ids ID,'));
    expect(code).toBe(1);
  });

  test('without the lock says what goes', async () => {
    expect(await run()).toEqual({
      code: 0,
      output: '! azd down deletes the hub iot-abc with the identities of all devices: the hub has no lock.\n',
    });
  });

  test('stops with a sentence if Azure cannot be asked for the hub', async () => {
    fake.restFails = 'offline';
    const { code, output } = await run();
    expect(output).toMatch(
      /^✗ A request to Azure failed: HTTPSConnectionPool.*\n {2}To do: connect this machine/,
    );
    expect(output).not.toMatch(/^ +at /m);
    expect(code).toBe(1);
  });

  test('never deletes a hub that azd has not created', async () => {
    fake.arm.add(hub);
    const { code, output } = await run();
    expect(output).toMatch(
      /^✗ azd down would delete the hub iot-abc, which azd has not created.*\n.*az resource move/,
    );
    expect(code).toBe(1);
  });
});
