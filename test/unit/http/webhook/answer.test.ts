import { Unauthorized } from '../../../../src/http/errors.js';
import { answerWebhook, type WebhookDependencies } from '../../../../src/http/webhook/answer.js';
import { requestWith } from '../../../support/request.js';
import { newSecret, signed } from '../../../support/signedWebhook.js';

test('a signed webhook whose body did not arrive is told that a chunked body does not', async () => {
  const secret = newSecret();
  const deps = { config: { webhookSecrets: [secret], defaultService: '' } } as unknown as WebhookDependencies;
  const request = requestWith({ headers: signed(secret, '{"type":"created"}') });
  const error: unknown = await answerWebhook(deps, request).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Unauthorized);
  expect((error as Error).message).toMatch(/The request has no body\. .*without Content-Length/);
});
