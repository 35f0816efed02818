import { isAuthorized, presentedKey } from '../../../../../local/simulators/functions-host/http/keys.js';

const keys = {
  master: 'm',
  host: { default: 'h' },
  functions: { provision: { default: 'p', next: 'p2' }, deprovision: { default: 'd' } },
};

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
  ] as const)('at level %s with key %s: %s', (level, key, expected) => {
    expect(isAuthorized(keys, 'Provision', level, key)).toBe(expected);
  });

  it('opens nothing that needs a key when there are none', () => {
    const none = { host: {}, functions: {} };
    expect(isAuthorized(none, 'provision', 'function', 'undefined')).toBe(false);
    expect(isAuthorized(none, 'provision', 'admin', '')).toBe(false);
  });
});

describe('presentedKey', () => {
  it('is the header, and the query only where there is no header', () => {
    expect(presentedKey('a', '/x?code=b')).toBe('a');
    expect(presentedKey(undefined, '/x?y=1&code=b%2Bc')).toBe('b+c');
    expect(presentedKey(undefined, '/x')).toBeUndefined();
  });
});
