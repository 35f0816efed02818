import { app } from '@azure/functions';
import { answering } from '../src/http/answering.js';
import { theApp } from '../src/theApp.js';
import { answerWebhook } from '../src/webhook/answerWebhook.js';

/** `POST /api/webhook`, if there are secrets for it. Its signature is its key: senders of webhooks cannot send another. */
if (theApp.config.webhookSecrets.length > 0) {
  app.http('webhook', {
    methods: ['POST'],
    route: 'webhook',
    authLevel: 'anonymous',
    handler: answering((request) => answerWebhook(theApp, request)),
  });
}
