import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { withErrorResponses } from '../src/http/errors.js';
import { answerWebhook } from '../src/http/webhook/answer.js';

/** `POST /api/webhook` receives webhooks, if `WEBHOOK_SECRETS` is set. The signature replaces the function key, because senders cannot send a key. */
if (theApp.registration.hasWebhooks) {
  app.http('webhook', {
    methods: ['POST'],
    route: 'webhook',
    authLevel: 'anonymous',
    handler: withErrorResponses(async (request) => answerWebhook(await theApp.get(), request), 'anonymous'),
  });
}
