import { Unauthorized } from '../../../../src/http/errors.js';
import { answerWebhook, type WebhookDependencies } from '../../../../src/http/webhook/answer.js';
import { openHandledWebhooks } from '../../../../src/http/webhook/handled.js';
import { memoryTable } from '../../../support/memoryTable.js';
import { requestWith } from '../../../support/request.js';
import { newSecret, signed } from '../../../support/signedWebhook.js';
import { memoryDependencies } from '../../../support/webhookTools.js';

test('a signed webhook whose body did not arrive is told that a chunked body does not', async () => {
  const secret = newSecret();
  const deps = { config: { webhookSecrets: [secret], defaultService: '' } } as unknown as WebhookDependencies;
  const request = requestWith({ headers: signed(secret, '{"type":"created"}') });
  const error: unknown = await answerWebhook(deps, request).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Unauthorized);
  expect((error as Error).message).toMatch(/The request has no body\. .*without Content-Length/);
});

describe('a webhook', () => {
  const secret = newSecret();
  const uuid = 'ab'.repeat(16);
  const body = JSON.stringify({ uuid });

  function system() {
    const memory = memoryDependencies();
    const deps: WebhookDependencies = {
      ...memory.deps,
      handledWebhooks: openHandledWebhooks(memoryTable(), memory.clock),
      config: { webhookSecrets: [secret], defaultService: 'main' },
    };
    const send = async (headers: Record<string, string>, text = body) => {
      const answer = await answerWebhook(deps, requestWith({ headers, body: text }));
      return JSON.parse(String(answer.body));
    };
    return { ...memory, send };
  }

  test('that is repeated with the same id and the same body gets the first answer again, without work', async () => {
    const { send, settle, sent } = system();
    const headers = signed(secret, body);
    const first = await send(headers);
    await settle(uuid);
    expect(await send(headers)).toEqual(first);
    expect(first).toMatchObject({ outcome: 'accepted', uuid });
    expect(sent).toHaveLength(1);
  });

  test('whose request could not be stored is handled when the sender repeats the webhook', async () => {
    const { send, away, sent } = system();
    const headers = signed(secret, body);
    away.queue = true;
    await expect(send(headers)).rejects.toMatchObject({ code: 'queue-unavailable' });
    away.queue = false;
    expect(await send(headers)).toMatchObject({ outcome: 'accepted' });
    expect(sent).toHaveLength(1);
  });

  test('without a known signature changes nothing, and gets no answer of another webhook', async () => {
    const { send, sent } = system();
    const headers = signed(secret, body);
    await send(headers);
    const forged = { ...headers, 'webhook-signature': signed(newSecret(), body)['webhook-signature'] };
    await expect(send(forged)).rejects.toBeInstanceOf(Unauthorized);
    await expect(send({})).rejects.toBeInstanceOf(Unauthorized);
    expect(sent).toHaveLength(1);
  });

  test('with the bearer token is handled each time, because nobody vouches for the id', async () => {
    const { send, settle } = system();
    const headers = { authorization: `Bearer ${secret}`, 'webhook-id': 'same' };
    expect(await send(headers)).toMatchObject({ outcome: 'accepted' });
    await settle(uuid, { verifiedAt: 0 });
    const other = JSON.stringify({ type: 'online', data: { uuid } });
    expect(await send(headers, other)).toMatchObject({ outcome: 'checked' });
  });
});
