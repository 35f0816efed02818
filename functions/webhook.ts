import { app } from '@azure/functions';
import { theApp } from '../src/app.js';
import { withErrorResponses } from '../src/http/errors.js';
import { answerWebhook } from '../src/http/webhook/answer.js';

/** `POST /api/webhook`, if there are secrets for it. Its signature is its key: senders of webhooks cannot send another. */
if (theApp.config.webhookSecrets.length > 0) {
  app.http('webhook', {
    methods: ['POST'],
    route: 'webhook',
    authLevel: 'anonymous',
    handler: withErrorResponses((request) => answerWebhook(theApp, request)),
  });
}
