import { startBalena } from '../../../../local/simulators/balena/startBalena.js';
import { runHook } from '../../../support/azure/runHook.js';
import { useFakeAzure } from '../../../support/azure/useFakeAzure.js';

const fake = await useFakeAzure();
const balena = await startBalena();
afterAll(() => balena.close());

const group = '/subscriptions/sub/resourceGroups/rg-production';
const vault = `${group}/providers/Microsoft.KeyVault/vaults/kv-abc`;
const hub = `${group}/providers/Microsoft.Devices/IotHubs/iot-abc`;
const lock = `${hub}/providers/Microsoft.Authorization/locks/keep-devices`;
const tags = { 'azd-env-name': 'production' };
const outputs = { AZURE_RESOURCE_GROUP: 'rg-production', CREATED_IOT_HUB: 'iot-abc' };

/** The deployment of the template: the resources that the hooks look at. */
function deploy(env: Record<string, string>) {
  fake.arm.add(group);
  fake.arm.add(vault, { tags });
  if (env.NEW_BALENA_API_KEY || env.KEY_VAULT_RECOVER === 'true')
    fake.arm.add(`${vault}/secrets/BALENA-API-KEY`);
  fake.arm.add(hub, { tags, sku: { name: 'S1' } });
  fake.arm.add(lock);
}

/** `azd down`: the group is gone, the vault is deleted with its secrets, and azd forgets the outputs. */
function down(env: Record<string, string>) {
  fake.arm.resources.clear();
  const properties = { vaultId: vault, location: 'westeurope', tags };
  fake.arm.deletedVaults = [{ id: vault, name: 'kv-abc', location: 'westeurope', properties }];
  for (const name of Object.keys(outputs)) delete env[name];
}

test('azd up, azd down, azd up: by the steps of the documents, and without a new key', async () => {
  const env: Record<string, string> = {
    AZURE_ENV_NAME: 'production',
    AZURE_LOCATION: 'westeurope',
    AZURE_SUBSCRIPTION_ID: 'sub',
    MORE_SETTINGS: JSON.stringify({ BALENA_API_URL: balena.endpoints.apiUrl }),
    NEW_BALENA_API_KEY: balena.endpoints.apiKey,
  };
  const hook = async (name: string, code = 0) => {
    const result = await runHook(fake, name, env);
    expect(result).toMatchObject({ code, output: expect.not.stringContaining(balena.endpoints.apiKey) });
    Object.assign(env, fake.azdEnv);
    return result.output;
  };

  await hook('preprovision');
  deploy(env);
  Object.assign(env, outputs);
  await hook('postprovision');
  expect(env.NEW_BALENA_API_KEY).toBe('');

  expect(await hook('predown', 1)).toContain('az lock delete');
  fake.arm.resources.delete(lock.toLowerCase());
  await hook('predown');
  down(env);

  // The shell still has the outputs, because the steps before `azd down` have read them into the shell.
  Object.assign(env, outputs);
  expect(await hook('preprovision')).toMatch(
    /✓ The hub iot-abc is deleted with its resource group\..*\n✓ The deployment recovers the deleted Key Vault/,
  );
  expect(env).toMatchObject({ KEY_VAULT_RECOVER: 'true', NEW_BALENA_API_KEY: '' });
  expect(env.CREATED_IOT_HUB).toBe('');
  deploy(env);
  fake.arm.deletedVaults = [];
  Object.assign(env, outputs);
  await hook('postprovision');
  expect(await hook('preprovision')).toContain('✓ The vault has the secret BALENA-API-KEY.');
});
