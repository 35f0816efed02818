import { npmEnvironment } from '../../../../infra/hooks/lib/npmEnvironment.js';
import { quoteForCmd } from '../../../../infra/hooks/lib/run.js';

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
