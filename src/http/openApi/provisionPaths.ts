import { deviceView } from '../../device/view.js';
import { uuid } from '../../shared/schemas.js';
import { acceptedAnswer } from '../provision/answer.js';
import { provisionBody } from '../provision/parse.js';
import { eventOutcome } from '../webhook/handle.js';
import { webhookBody } from '../webhook/parse.js';
import {
  commonResponses,
  jsonRequestBody,
  jsonResponse,
  type Operation,
  problemResponse,
  retryAfter,
  schemaOf,
  textResponse,
  withKey,
} from './operation.js';

const location = { Location: { description: "the record's path", schema: { type: 'string' } } };
const uuidInPath = { name: 'uuid', in: 'path', required: true, schema: schemaOf(uuid, 'input') };
const accepted = jsonResponse(acceptedAnswer, 'accepted, or already under way (the same requestId)', {
  ...location,
  ...retryAfter,
});
const badRequest = problemResponse('something is wrong with the request: the detail says what to send');
const tooLarge = problemResponse('the body is larger than 16 KiB');

const provision: Operation = {
  operationId: 'provision',
  tags: ['devices'],
  summary: "Asks for a device's credentials",
  description:
    'The contract of Cloud Relay. The credentials are in the variables AZURE_CERT and AZURE_PRIVATE_KEY once it is done. With proof of device, "Authorization: Bearer <the device\'s API key>" is needed as well.',
  requestBody: jsonRequestBody(provisionBody),
  responses: {
    202: accepted,
    400: badRequest,
    409: {
      description:
        'already provisioned at that service: text that starts with DeviceAlreadyExistsError, or a problem document with "Accept: application/json"; or (service-conflict) moved to another service less than ten minutes ago',
      content: { ...textResponse('').content, ...problemResponse('').content },
    },
    413: tooLarge,
    422: problemResponse('failed for good, and not taken up again before Retry-After', retryAfter),
    ...commonResponses,
    401: {
      ...problemResponse('no or wrong key (without a body), or the proof of device is missing or wrong'),
    },
  },
  security: withKey,
};

const deprovision: Operation = {
  operationId: 'deprovision',
  tags: ['devices'],
  summary: 'Removes the hub identity and the variables',
  description:
    'Not sticky: a device that asks again gets new credentials. Takes the key of the function "deprovision".',
  requestBody: jsonRequestBody(provisionBody),
  responses: { 202: accepted, 400: badRequest, 413: tooLarge, ...commonResponses },
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
        200: jsonResponse(deviceView, 'the record'),
        400: badRequest,
        404: problemResponse('nothing was ever asked for it'),
        ...commonResponses,
      },
      security: withKey,
    },
    delete: {
      ...deprovision,
      operationId: 'deprovisionByPath',
      requestBody: jsonRequestBody(provisionBody, false),
    },
  },
  '/api/webhook': {
    post: {
      operationId: 'webhook',
      tags: ['devices'],
      summary: 'Takes a webhook, where WEBHOOK_SECRETS is set',
      description: 'Signed as Standard Webhooks say, or with a secret as "Authorization: Bearer whsec_...".',
      requestBody: jsonRequestBody(webhookBody()),
      responses: {
        202: jsonResponse(eventOutcome, 'what became of it'),
        400: badRequest,
        401: problemResponse('the signature or the secret is missing or wrong'),
        413: tooLarge,
        503: commonResponses[503],
      },
      security: [{ signature: [] }, { secret: [] }],
    },
  },
  '/api/health': {
    get: {
      operationId: 'health',
      tags: ['operations'],
      summary: 'Is all well? One line for each dependency',
      responses: {
        200: textResponse('all is well'),
        503: textResponse('something is not'),
        401: commonResponses[401],
      },
      security: withKey,
    },
  },
  '/api/ops': {
    get: {
      operationId: 'opsPage',
      tags: ['operations'],
      summary: 'The page for people; it asks for the ops key',
      responses: { 200: textResponse('HTML', 'text/html') },
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
