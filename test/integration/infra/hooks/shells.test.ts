import { execFileSync } from 'node:child_process';
import { findPowerShell } from '../../../../local/infra/powershell.js';
import { type HookShell, readHooks, runHook } from '../../../support/azure/runHook.js';
import { useFakeAzure } from '../../../support/azure/useFakeAzure.js';

const fake = await useFakeAzure();
const powerShell = await findPowerShell().catch((error: Error) => {
  if (process.env.CI) throw error;
  return null;
});
const shells: [string, HookShell][] = [['sh', { platform: 'posix', command: ['sh'] }]];
if (powerShell) shells.push(['pwsh', { platform: 'windows', command: [...powerShell, '-NoProfile'] }]);
else
  test('PowerShell is missing', () =>
    console.warn(
      'NOT CHECKED: the hooks of azure.yaml in PowerShell, because this machine has neither pwsh nor dotnet.',
    ));

const secrets = {
  NEW_BALENA_API_KEY: 'hunter2',
  NEW_WEBHOOK_SECRETS: 'hunter2',
  ANOTHER_SECRET: 'hunter2',
  NODE_ENV: 'production',
  npm_config_ignore_scripts: 'true',
  npm_config_omit: 'dev',
  npm_config_registry: 'https://registry.example/',
};

test.each(shells)(
  '%s: npm gets no value of the azd environment, and builds whatever npm is told elsewhere',
  async (_, shell) => {
    const { code, output } = await runHook(fake, 'prepackage', secrets, shell);
    expect(output).toMatch(/✓ The folder \.package has the deployed package\.\n$/);
    expect(code).toBe(0);
    expect(fake.calls.map(({ program, args }) => [program, ...args].join(' '))).toEqual([
      'npm ci --include=dev --ignore-scripts',
      'npm rebuild node --ignore-scripts=false',
      'npm run package',
    ]);
    for (const { env } of fake.calls) {
      expect(JSON.stringify(env)).not.toContain('hunter2');
      expect(env).toMatchObject({ npm_config_registry: 'https://registry.example/' });
      expect(Object.keys(env)).not.toEqual(expect.arrayContaining(['NODE_ENV']));
      expect(env.npm_config_omit).toBeUndefined();
    }
  },
);

test.each(shells)('%s: a hook that fails stops azd', async (_, shell) => {
  fake.npmFails = true;
  const { code, output } = await runHook(fake, 'prepackage', {}, shell);
  expect(output).toMatch(/✗ npm ci --include=dev --ignore-scripts failed \(exit code 1\)\.\n {2}To do: /);
  expect(code).toBe(1);
  for (const name of ['preprovision', 'postdeploy'])
    expect((await runHook(fake, name, {}, shell)).code).toBe(1);
});

// PowerShell 5, which Windows brings, has no && and no ||.
test('each hook is one command, in every shell', async () => {
  const hooks = Object.entries(await readHooks());
  expect(hooks.map(([name]) => name).sort()).toEqual(
    ['postdeploy', 'postprovision', 'predown', 'prepackage', 'preprovision'].sort(),
  );
  for (const [name, { posix, windows }] of hooks) {
    expect(posix).toMatchObject({ shell: 'sh', run: `node infra/hooks/${name}.js` });
    expect(windows).toMatchObject({ shell: 'pwsh', run: `node infra/hooks/${name}.js` });
  }
});

const others = ['/usr/bin', '/usr/local/bin', '/opt/node20/bin'].flatMap((folder) => {
  try {
    return [[folder, execFileSync(`${folder}/node`, ['--version'], { encoding: 'utf8' }).trim()] as const];
  } catch {
    return [];
  }
});
const [old] = others.filter(([, version]) => version.startsWith('v20.'));
if (old) {
  test('the hooks run with Node 20', async () => {
    const path = `${old[0]}:/usr/bin:/bin`;
    for (const name of Object.keys(await readHooks()).filter((each) => each !== 'prepackage')) {
      const { output } = await runHook(fake, name, { AZURE_SUBSCRIPTION_ID: 'sub' }, undefined, path);
      expect(output).not.toMatch(/SyntaxError|TypeError|^ +at /m);
    }
  });
} else
  test('Node 20 is missing', () =>
    console.warn('NOT CHECKED: the hooks of azure.yaml with Node 20, because this machine has none.'));
