import { ArmError } from '../../../../infra/hooks/lib/azure.js';
import { npmEnvironment } from '../../../../infra/hooks/lib/npmEnvironment.js';
import { needsShell, quoteForCmd, run } from '../../../../infra/hooks/lib/run.js';

test('npm gets the way to the registry, and no value of azd', () => {
  const needed = { Path: 'C:\\bin', SystemRoot: 'C:\\Windows', HTTPS_PROXY: 'http://proxy', LC_ALL: 'C' };
  const npm = {
    npm_config_registry: 'https://registry.example/',
    'npm_config_//registry.example/:_authToken': 't',
  };
  expect(
    npmEnvironment({
      ...needed,
      ...npm,
      NODE_ENV: 'production',
      NODE_OPTIONS: '--inspect',
      npm_config_omit: 'dev',
      NPM_CONFIG_IGNORE_SCRIPTS: 'true',
      'npm_config_ignore-scripts': 'true',
      npm_lifecycle_event: 'up',
      NEW_BALENA_API_KEY: 'k',
      AZURE_CLIENT_SECRET: 's',
    }),
  ).toEqual({ ...needed, ...npm });
});

test('an argument reaches a batch file as it is, or the hook stops', () => {
  expect(quoteForCmd('/a?api-version=2024-11-01&x')).toBe('"/a?api-version=2024-11-01&x"');
  expect(quoteForCmd('')).toBe('""');
  for (const text of ['a"b', '%PATH%', 'a\nb']) expect(() => quoteForCmd(text)).toThrow('Windows');
});

test('a program that never ends is stopped, also if a program that it has started holds its output', async () => {
  const { code } = await run('sh', ['-c', 'sleep 20 & wait'], { limitMs: 100 });
  expect(code).toBe(124);
  // The request is sent again.
  expect(new ArmError('ERROR: az rest timed out after 120 seconds.').isPassing).toBe(true);
});

test.each([
  ['ERROR: Not Found({"error":{"code":"ResourceNotFound"}})', { isMissing: true, isPassing: false }],
  ['ERROR: Conflict({"error":{"code":"MissingSubscriptionRegistration"}})', { isMissing: true }],
  ['ERROR: Forbidden({"error":{"code":"AuthorizationFailed"}})', { isForbidden: true, isSignedOut: false }],
  ['ERROR: Conflict({"error":{"code":"ScopeLocked"}})', { isMissing: false, isPassing: false }],
  ["ERROR: Please run 'az login' to setup account.", { isSignedOut: true }],
  ["ERROR: ('Connection aborted.', ConnectionResetError(104, 'reset'))", { isPassing: true }],
])('%s', (text, expected) => {
  const error = new ArmError(`WARNING: a note\n${text}\n`);
  expect(error).toMatchObject(expected);
  expect(error.message).toBe(text.replace('ERROR: ', ''));
});

test('on Windows a shell starts az and npm, and never a program whose path may have blanks', () => {
  expect(['az', 'azd', 'npm'].map((program) => needsShell('win32', program))).toEqual([true, true, true]);
  expect(needsShell('win32', 'C:\\Program Files\\nodejs\\node.exe')).toBe(false);
  expect(needsShell('linux', 'az')).toBe(false);
});
