import { deviceView } from '../../device/view.js';
import { uuid } from '../../shared/schemas.js';
import { acceptedAnswer } from '../provision/answer.js';
import { provisionBody } from '../provision/parse.js';
import { eventOutcome } from '../webhook/handle.js';
import { webhookBody } from '../webhook/parse.js';
import {
  always,
  json,
  type Operation,
  problem,
  retryAfter,
  schemaOf,
  takes,
  text,
  withKey,
} from './operation.js';

const location = { Location: { description: "the record's path", schema: { type: 'string' } } };
const uuidInPath = { name: 'uuid', in: 'path', required: true, schema: schemaOf(uuid, 'input') };
const accepted = json(acceptedAnswer, 'accepted, or already under way (the same requestId)', {
  ...location,
  ...retryAfter,
});
const badRequest = problem('something is wrong with the request: the detail says what to send');
const tooLarge = problem('the body is larger than 16 KiB');

const provision: Operation = {
  operationId: 'provision',
  tags: ['devices'],
  summary: "Asks for a device's credentials",
  description:
    'The contract of Cloud Relay. The credentials are in the variables AZURE_CERT and AZURE_PRIVATE_KEY once it is done. With proof of device, "Authorization: Bearer <the device\'s API key>" is needed as well.',
  requestBody: takes(provisionBody),
  responses: {
    202: accepted,
    400: badRequest,
    409: {
      description:
        'already provisioned at that service: text that starts with DeviceAlreadyExistsError, or a problem document with "Accept: application/json"; or (service-conflict) moved to another service less than ten minutes ago',
      content: { ...text('').content, ...problem('').content },
    },
    413: tooLarge,
    422: problem('failed for good, and not taken up again before Retry-After', retryAfter),
    ...always,
    401: { ...problem('no or wrong key (without a body), or the proof of device is missing or wrong') },
  },
  security: withKey,
};

const deprovision: Operation = {
  operationId: 'deprovision',
  tags: ['devices'],
  summary: 'Removes the hub identity and the variables',
  description:
    'Not sticky: a device that asks again gets new credentials. Takes the key of the function "deprovision".',
  requestBody: takes(provisionBody),
  responses: { 202: accepted, 400: badRequest, 413: tooLarge, ...always },
  security: withKey,
};

export const provisionPaths: Record<string, Record<string, Operation | object[]>> = {
  '/api/provision': { post: provision, delete: deprovision },
  '/api/provision/{uuid}': {
    parameters: [uuidInPath],
    get: {
      operationId: 'getDevice',
      tags: ['devices'],
      summary: 'How far it is',
      responses: {
        200: json(deviceView, 'the record'),
        400: badRequest,
        404: problem('nothing was ever asked for it'),
        ...always,
      },
      security: withKey,
    },
    delete: {
      ...deprovision,
      operationId: 'deprovisionByPath',
      requestBody: takes(provisionBody, false),
    },
  },
  '/api/webhook': {
    post: {
      operationId: 'webhook',
      tags: ['devices'],
      summary: 'Takes a webhook, where WEBHOOK_SECRETS is set',
      description: 'Signed as Standard Webhooks say, or with a secret as "Authorization: Bearer whsec_...".',
      requestBody: takes(webhookBody()),
      responses: {
        202: json(eventOutcome, 'what became of it'),
        400: badRequest,
        401: problem('the signature or the secret is missing or wrong'),
        413: tooLarge,
        503: always[503],
      },
      security: [{ signature: [] }, { secret: [] }],
    },
  },
  '/api/health': {
    get: {
      operationId: 'health',
      tags: ['operations'],
      summary: 'Is all well? One line for each dependency',
      responses: { 200: text('all is well'), 503: text('something is not'), 401: always[401] },
      security: withKey,
    },
  },
  '/api/ops': {
    get: {
      operationId: 'opsPage',
      tags: ['operations'],
      summary: 'The page for people; it asks for the ops key',
      responses: { 200: text('HTML', 'text/html') },
      security: [],
    },
  },
  '/api/openapi.json': {
    get: {
      operationId: 'openApi',
      tags: ['operations'],
      summary: 'This description',
      responses: {
        200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
      },
      security: [],
    },
  },
};
