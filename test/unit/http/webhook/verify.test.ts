import { Unauthorized } from '../../../../src/http/errors.js';
import { verifyWebhook } from '../../../../src/http/webhook/verify.js';
import { newSecret, signed } from '../../../support/signedWebhook.js';

const [oldSecret, secret, foreign] = [newSecret(), newSecret(), newSecret()];
const secrets = [oldSecret, secret];
const body = '{"type": "created", "data": {"uuid": "ü"}}';
const minutes = (number: number) => new Date(Date.now() + number * 60_000);

const verify = (headers: Record<string, string>, text = body, known: readonly string[] = secrets) =>
  verifyWebhook(known, new Headers(headers), text);
const refused = (headers: Record<string, string>, text?: string, known?: readonly string[]) =>
  expect(() => verify(headers, text, known)).toThrow(Unauthorized);

describe('signed', () => {
  test.each([
    ['the old secret', oldSecret],
    ['the new one', secret],
  ])('with %s, while both are valid', (_, used) => {
    expect(verify(signed(used, body, { id: 'msg_1' }))).toBe('msg_1');
  });

  test('with a secret that was taken away', () => {
    refused(signed(oldSecret, body), body, [secret]);
  });

  test('with a secret that is not ours', () => {
    refused(signed(foreign, body));
  });

  test('by a sender that rotates, and sends a signature for each of its secrets', () => {
    const [ours, theirs] = [signed(secret, body, { id: 'a' }), signed(foreign, body, { id: 'a' })];
    const both = `${theirs['webhook-signature']} ${ours['webhook-signature']}`;
    expect(verify({ ...ours, 'webhook-signature': both })).toBe('a');
  });

  test.each([[-4.9], [4.9]])('%d minutes from now is in time', (distance) => {
    expect(verify(signed(secret, body, { at: minutes(distance), id: 'a' }))).toBe('a');
  });

  test.each([[-5.1], [5.1]])('%d minutes from now is not', (distance) => {
    refused(signed(secret, body, { at: minutes(distance) }));
  });

  test.each([
    ['another body', {}, `${body} `],
    ['another id', { 'webhook-id': 'msg_2' }, body],
    ['another time', { 'webhook-timestamp': String(Math.floor(Date.now() / 1_000) - 1) }, body],
    ['a time that is none', { 'webhook-timestamp': 'now' }, body],
    ['no signature in the header', { 'webhook-signature': '' }, body],
    ['half a signature', { 'webhook-signature': 'v1' }, body],
    ['an empty signature', { 'webhook-signature': 'v1,' }, body],
    ['a scheme that is not known', { 'webhook-signature': 'v2,AAAA' }, body],
  ])('is refused with %s', (_, change, text) => {
    const sent = signed(secret, body, { id: 'msg_1', at: minutes(0) });
    expect(verify(sent)).toBe('msg_1');
    refused({ ...sent, ...change }, text);
  });

  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const)(
    'is refused without %s',
    (name) => {
      const { [name]: _, ...others } = signed(secret, body);
      refused(others);
    },
  );

  test.each([
    ['before the text that was signed', body, `\ufeff${body}`],
    ['that was signed, too', `\ufeff${body}`, `\ufeff${body}`],
  ])('with a byte order mark %s', (_, signedText, sent) => {
    expect(verify(signed(secret, signedText, { id: 'a' }), sent)).toBe('a');
  });

  test('with the names of Svix for the three headers', () => {
    const sent = signed(secret, body, { id: 'a' });
    const named = Object.fromEntries(
      Object.entries(sent).map(([name, value]) => [name.replace('webhook-', 'svix-'), value]),
    );
    expect(verify(named)).toBe('a');
    expect(verify({ ...named, ...sent })).toBe('a');
    refused({ ...named, 'svix-id': 'b' });
    const { 'svix-timestamp': _, ...others } = named;
    refused(others);
    refused({ ...named, ...signed(foreign, body) });
  });

  test('wrongly is refused, even with a token beside it that is right', () => {
    refused({ ...signed(foreign, body), authorization: `Bearer ${secret}` });
  });
});

describe('with a bearer token', () => {
  test.each([[oldSecret], [secret]])('each of the secrets is one', (token) => {
    expect(verify({ authorization: `Bearer ${token}` })).toBeNull();
    // No signature covers the id: the sender may send the same id with every webhook.
    expect(verify({ authorization: `bearer ${token}`, 'webhook-id': 'b' })).toBeNull();
  });

  test.each([
    ['that is not ours', `Bearer ${foreign}`],
    ['that is the beginning of one', `Bearer ${secret.slice(0, -1)}`],
    ['with more behind it', `Bearer ${secret}x`],
    ['without its prefix', `Bearer ${secret.slice('whsec_'.length)}`],
    ['that is both of them', `Bearer ${secret},${oldSecret}`],
    ['that is empty', 'Bearer '],
    ['in another scheme', `Basic ${secret}`],
    ['without a scheme', secret],
  ])('one %s is refused', (_, authorization) => {
    refused({ authorization });
  });
});

test('without anything it is refused, also where no secret is known', () => {
  refused({});
  refused({ authorization: 'Bearer undefined' }, body, []);
  refused(signed(secret, body), body, []);
});

test('a refusal says what is expected, and nothing about what was sent or is known', () => {
  const sent = signed(foreign, body);
  const text = () => {
    try {
      return verify(sent);
    } catch (error) {
      return error instanceof Unauthorized ? `${error.code} ${error.message}` : '';
    }
  };
  expect(text()).toMatch(/^webhook\.unauthorized .*webhook-signature/);
  for (const secretText of [secret, oldSecret, sent['webhook-signature'], sent['webhook-id']])
    expect(text()).not.toContain(secretText);
});
