// @ts-check
import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { done, say, warn } from './report.js';
import { run } from './run.js';

/** The longest duration of the doctor, which has a deadline for each of its requests. */
const limitMs = 5 * 60_000;

/**
 * @typedef {{ name: string, level: 'ok' | 'warning' | 'failed', detail: string, todo: string | null }} Check
 */

/**
 * Runs `provisioner doctor` against the deployment. A fault does not fail the deployment, whose health is known to be good: the doctor also
 * needs rights of this operator.
 *
 * @param {import('./azure.js').Environment} env with the outputs of the deployment, which are the settings of the doctor
 */
export async function runDoctor(env) {
  if (!env.OPS_PRINCIPAL_ID)
    return warn(
      'provisioner doctor was not run, because no operator has rights.\n' +
        '  To do: azd env set OPS_PRINCIPAL_ID $(az ad signed-in-user show --query id --output tsv), then azd provision.',
    );
  const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
  if (
    !(await access(main).then(
      () => true,
      () => false,
    ))
  )
    return warn('provisioner doctor was not run, because the project is not built here (npm ci).');
  const { stdout } = await run(process.execPath, [main, 'doctor', '--json'], { env, limitMs });
  try {
    /** @type {{ checks: Check[] }} */
    const { checks } = JSON.parse(stdout);
    show(checks.filter(({ name }) => env.BALENA_API_KEY || name !== 'BALENA_API_KEY'));
    if (!env.BALENA_API_KEY) say('  balena is not among these checks: only Key Vault has the API key.');
  } catch {
    warn('provisioner doctor was not run to its end. To do: run npx provisioner doctor.');
  }
}

/** @param {Check[]} checks */
function show(checks) {
  const bad = checks.filter(({ level }) => level !== 'ok');
  if (bad.length === 0) return done(`provisioner doctor: ${checks.length} checks, no fault.`);
  for (const { name, detail, todo } of bad)
    warn(`provisioner doctor: ${name}: ${detail}${todo ? `\n  To do: ${todo}` : ''}`);
  say('  A role of an operator works after up to ten minutes. Then: npx provisioner doctor.');
}
