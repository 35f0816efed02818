// @ts-check
import { appId, listFunctions, resolveReferences, restart, waitForHealth } from './lib/app.js';
import { checkAz } from './lib/azure.js';
import { runDoctor } from './lib/doctor.js';
import { HookProblem, say } from './lib/report.js';
import { runHook } from './lib/runHook.js';

// azd runs this hook after the code has been uploaded. azd itself waits for the upload only, and not for functions that work.
await runHook(async () => {
  const env = { ...process.env };
  for (const name of [
    'AZURE_SUBSCRIPTION_ID',
    'AZURE_FUNCTION_APP',
    'OPS_URL',
    'PROVISION_URL',
    'IOTHUB_HOST_NAME',
  ])
    if (!env[name])
      throw new HookProblem(`The azd environment has no ${name}.`, 'run azd provision --no-state first.');
  await checkAz(env);
  const app = appId(env);
  await resolveReferences(app);
  await restart(app);
  await listFunctions(app);
  await waitForHealth(app, new URL('health', env.OPS_URL).href);
  await runDoctor(env);
  say(
    [
      '',
      "For the fleet's variable PROVISION_URL, with the key in place of KEY:",
      `  ${env.PROVISION_URL}`,
      'The key (it is not printed here, because logs keep what is printed):',
      `  ${env.PROVISION_KEY_COMMAND}`,
      "For the fleet's variable AZURE_HUB_HOST, which Cloud Relay reads:",
      `  ${env.IOTHUB_HOST_NAME}`,
      "The operators' page:",
      `  ${env.OPS_URL}`,
    ].join('\n'),
  );
});
