import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKeys, presentedKey } from '../../../../../local/simulators/functions-host/http/keys.js';

const values = {
  master: 'm',
  host: { default: 'h' },
  functions: { provision: { default: 'p', next: 'p2' }, deprovision: { default: 'd' } },
};
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keys-'));
  file = join(folder, 'keys.json');
  await writeFile(file, JSON.stringify(values));
});
afterEach(() => rm(folder, { recursive: true }));

describe('isAuthorized', () => {
  it.each([
    ['anonymous', undefined, true],
    ['anonymous', 'wrong', true],
    ['function', undefined, false],
    ['function', '', false],
    ['function', 'p', true],
    ['function', 'p2', true],
    ['function', 'd', false],
    ['function', 'h', true],
    ['function', 'm', true],
    ['function', 'P', false],
    ['admin', 'p', false],
    ['admin', 'h', false],
    ['admin', 'm', true],
  ] as const)('at level %s with key %s: %s', async (level, key, expected) => {
    expect(await (await openKeys(file)).isAuthorized('Provision', level, key)).toBe(expected);
  });

  it('opens nothing that needs a key when there are none', async () => {
    const keys = await openKeys(undefined);
    expect(await keys.isAuthorized('provision', 'function', 'undefined')).toBe(false);
    expect(await keys.isAuthorized('provision', 'admin', '')).toBe(false);
  });

  it('takes a key in any case once the key was used, at that function only', async () => {
    const keys = await openKeys(file);
    expect(await keys.isAuthorized('provision', 'function', 'H')).toBe(false);
    expect(await keys.isAuthorized('provision', 'function', 'h')).toBe(true);
    expect(await keys.isAuthorized('provision', 'function', 'H')).toBe(true);
    expect(await keys.isAuthorized('deprovision', 'function', 'H')).toBe(false);
  });

  it('notices a change by another instance late, or as soon as chosen', async () => {
    const [late, soon] = [await openKeys(file), await openKeys(file, 0)];
    expect(await soon.isAuthorized('provision', 'function', 'h')).toBe(true);
    await writeFile(file, JSON.stringify({ ...values, host: { default: 'new' } }));
    expect(await late.isAuthorized('provision', 'function', 'h')).toBe(true);
    expect(await late.isAuthorized('provision', 'function', 'new')).toBe(false);
    expect(await soon.isAuthorized('provision', 'function', 'h')).toBe(false);
    expect(await soon.isAuthorized('provision', 'function', 'new')).toBe(true);
  });
});

describe('presentedKey', () => {
  it('is the header, even an empty one, and the first of the query only where there is no header', () => {
    expect(presentedKey('a', '/x?code=b')).toBe('a');
    expect(presentedKey('', '/x?code=b')).toBe('');
    expect(presentedKey(undefined, '/x?y=1&code=b%2Bc&code=d')).toBe('b+c');
    expect(presentedKey(undefined, '/x')).toBeUndefined();
  });
});
