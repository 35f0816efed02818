// @ts-check
import { npmEnvironment } from './lib/npmEnvironment.js';
import { done, HookProblem, say } from './lib/report.js';
import { run } from './lib/run.js';
import { runHook } from './lib/runHook.js';

// azd runs this hook before it deploys the folder .package.
await runHook(async () => {
  const env = npmEnvironment(process.env);
  // npm may be told not to install development packages (NODE_ENV, omit) or not to run scripts (ignore-scripts). The build needs the
  // former, and of the scripts only the one of the package "node", which fetches the Node that builds and tests the project.
  await npm(env, 'ci', '--include=dev', '--ignore-scripts');
  await npm(env, 'rebuild', 'node', '--ignore-scripts=false');
  await npm(env, 'run', 'package');
  done('The folder .package has the deployed package.');
});

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {...string} args
 */
async function npm(env, ...args) {
  say(`npm ${args.join(' ')}`);
  const { code, stderr } = await run('npm', args, { env, shows: true });
  if (code === 127)
    throw new HookProblem(`npm cannot be started: ${stderr}`, 'install Node.js 20 or newer, with npm.');
  if (code !== 0)
    throw new HookProblem(
      `npm ${args.join(' ')} failed (exit code ${code}).`,
      'repair what npm has printed above, then run the same azd command again.',
    );
}
