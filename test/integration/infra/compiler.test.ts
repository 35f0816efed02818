import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBicep, runBicep } from '../../../local/infra/bicep.js';
import { checkInfra, type InfraCheck } from '../../../local/infra/checkInfra.js';
import { projectFolder } from '../../../local/stack/projectFolder.js';

let missing = 'this machine has neither the Bicep compiler nor dotnet, which can fetch it';
const bicep = await findBicep().catch((error: Error) => {
  if (process.env.CI) throw error;
  missing = error.message;
  return null;
});

interface Template {
  parameters: Record<string, { defaultValue?: unknown; metadata?: { description?: string }; type?: string }>;
  variables: Record<string, unknown>;
}

if (bicep) {
  const checks: InfraCheck[] = [];
  for await (const check of checkInfra(bicep, false)) checks.push(check);
  const { stdout } = await runBicep(bicep, 'build', 'infra/main.bicep', '--stdout');
  const { parameters, variables } = JSON.parse(stdout) as Template;

  test.each(checks)('bicep $name', ({ problems }) => {
    expect(problems).toBe('');
  });

  test('main.parameters.json fills each parameter from the azd environment, with the default of the parameter', async () => {
    const file = JSON.parse(await readFile(join(projectFolder(), 'infra/main.parameters.json'), 'utf8')) as {
      parameters: Record<string, { value: unknown }>;
    };
    expect(Object.keys(file.parameters)).toEqual(Object.keys(parameters));
    for (const [name, { defaultValue = '' }] of Object.entries(parameters)) {
      const { value } = file.parameters[name]!;
      const [, , azdDefault] = /^\$\{(\w+)(?:=(.*))?\}$/.exec(String(value)) ?? [];
      // azd drops an empty value, and the parameter keeps its default. An object has no default in the syntax of azd, because the first brace
      // ends the default.
      const expected = typeof defaultValue === 'object' ? '' : String(defaultValue);
      expect([name, azdDefault ?? '']).toEqual([name, expected]);
    }
  });

  test('every parameter has a description', () => {
    for (const [name, { metadata }] of Object.entries(parameters))
      expect([name, metadata?.description]).toEqual([name, expect.any(String)]);
  });

  test('the keys and secrets are the secure parameters', () => {
    const secure = Object.entries(parameters).filter(([, { type }]) => type?.startsWith('secure'));
    expect(secure.map(([name]) => name)).toEqual(['balenaApiKey', 'webhookSecrets']);
  });

  // A snapshot does not know whether a secure parameter is empty, so the compiled expression is compared.
  test('secrets of webhooks enable webhooks without a second parameter', () => {
    expect(variables.hasWebhooks).toBe(
      "[or(parameters('webhooks'), not(empty(parameters('webhookSecrets'))))]",
    );
  });

  test('a fault in a Bicep file is a problem', async () => {
    const { succeeded, stderr } = await runBicep(bicep, 'build', 'infra/noSuchFile.bicep', '--stdout');
    expect({ succeeded, stderr }).toEqual({ succeeded: false, stderr: expect.stringMatching(/\w/) });
  });
} else {
  test('the compiler is missing, so the files of infra/ are not compiled here', () => {
    console.warn(
      `NOT CHECKED: build, lint and format of infra/, and whether the snapshots in infra/examples are current, because ${missing}. \`npm run check:infra\` makes these checks.`,
    );
    expect(missing).not.toBe('');
  });
}
