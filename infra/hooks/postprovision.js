// @ts-check
import { setAzd } from './lib/azure.js';
import { done } from './lib/report.js';
import { takeRights } from './lib/rights.js';
import { runHook } from './lib/runHook.js';

// azd runs this hook after a deployment of resources has succeeded.
await runHook(async () => {
  const env = { ...process.env };
  if (env.NEW_WEBHOOK_SECRETS) {
    // Before the value goes: the next deployment would otherwise remove POST /api/webhook.
    await setAzd(env, 'WEBHOOKS', 'true');
    await setAzd(env, 'NEW_WEBHOOK_SECRETS', '');
    done('Key Vault has the secrets of webhooks. The azd environment has no copy.');
  }
  if (env.NEW_BALENA_API_KEY) {
    await setAzd(env, 'NEW_BALENA_API_KEY', '');
    done('Key Vault has the balena API key. The azd environment has no copy.');
  }
  await takeRights(env);
});
