import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { withErrorResponses } from '../src/http/errors.js';
import { openRequestLimit } from '../src/http/requestLimit.js';
import { answerWebhook } from '../src/http/webhook/answer.js';
import { systemClock } from '../src/shared/time.js';

/** `POST /api/webhook` receives webhooks, if `WEBHOOK_SECRETS` is set. The signature replaces the function key, because senders cannot send a key. */
if (theApp.registration.hasWebhooks) {
  const limit = openRequestLimit(systemClock);
  app.http('webhook', {
    methods: ['POST'],
    route: 'webhook',
    authLevel: 'anonymous',
    handler: withErrorResponses(
      (request) =>
        limit.enter(async () => {
          const opened = await theApp.get();
          return limit.run(() => answerWebhook(opened, request));
        }),
      'anonymous',
    ),
  });
}
