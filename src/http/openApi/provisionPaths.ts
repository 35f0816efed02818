import { deviceView } from '../../device/view.js';
import { uuid } from '../../shared/schemas.js';
import { acceptedAnswer } from '../provision/answer.js';
import { provisionBody, requestBody } from '../provision/parse.js';
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

const location = { Location: { description: 'the path of the device record', schema: { type: 'string' } } };
const uuidInPath = { name: 'uuid', in: 'path', required: true, schema: schemaOf(uuid, 'input') };
const acceptedResponse = (description: string) =>
  jsonResponse(acceptedAnswer, description, { ...location, ...retryAfter });
const accepted = acceptedResponse('accepted, or accepted before and still in progress (the same requestId)');
const badRequest = problemResponse('the request is invalid; the detail says how to correct the request');
const tooLarge = problemResponse('the body is larger than 16 KiB');
const noProof = problemResponse(
  'no or wrong key (without a body), or the proof of device is missing or wrong',
);
const notServed = problemResponse(
  'the device has proved its identity, and its fleet is not served (provision.fleet-not-served)',
);
const compressed = problemResponse('the body is compressed (Content-Encoding): send the body uncompressed');

const provision: Operation = {
  operationId: 'provision',
  tags: ['devices'],
  summary: 'Requests credentials for a device',
  description:
    'Without `certificate` and `csr` the contract of Cloud Relay. A provisioned device has the credentials in the variables AZURE_CERT and AZURE_PRIVATE_KEY. Proof of device also needs "Authorization: Bearer <the device\'s API key>".',
  requestBody: jsonRequestBody(requestBody),
  responses: {
    202: acceptedResponse(
      'accepted; or accepted before and still in progress (the same requestId); or provisioned before, and a worker looks whether the variables are still there',
    ),
    400: badRequest,
    409: {
      description:
        'already provisioned at this service, as a worker saw less than a minute ago: text beginning with DeviceAlreadyExistsError, or a problem document if Accept prefers JSON to text/plain; or (service-conflict) the credentials were moved to another service less than ten minutes ago',
      content: { ...textResponse('').content, ...problemResponse('').content },
    },
    413: tooLarge,
    415: compressed,
    422: problemResponse(
      'the request, or the last check of the device, failed for good; a new request is possible after Retry-After',
      retryAfter,
    ),
    429: problemResponse(
      'provision.too-many-keys: the device has requested three other own keys within half an hour',
      retryAfter,
    ),
    ...commonResponses,
    401: noProof,
    403: notServed,
  },
  security: withKey,
};

const deprovision: Operation = {
  operationId: 'deprovision',
  tags: ['devices'],
  summary: 'Removes the hub identity and the variables',
  description:
    'A new request provisions the device again, with new credentials. Needs the key of the function "deprovision".',
  requestBody: jsonRequestBody(provisionBody),
  responses: { 202: accepted, 400: badRequest, 413: tooLarge, 415: compressed, ...commonResponses },
  security: withKey,
};

export const provisionPaths: Record<string, Record<string, Operation | object[]>> = {
  '/api/provision': { post: provision, delete: deprovision },
  '/api/provision/{uuid}': {
    parameters: [uuidInPath],
    get: {
      operationId: 'getDevice',
      tags: ['devices'],
      summary: 'The state of a device',
      responses: {
        200: jsonResponse(deviceView, 'the device record'),
        400: badRequest,
        404: problemResponse('the device was never requested'),
        ...commonResponses,
        401: noProof,
        403: notServed,
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
      summary: 'Receives a webhook, if WEBHOOK_SECRETS is set',
      description:
        'Signed by the Standard Webhooks specification (webhook-id, webhook-timestamp and webhook-signature, or the same headers with the names svix-...), or with a secret as "Authorization: Bearer whsec_...". A repeated signed webhook, with the same id and body, gets the first answer again.',
      requestBody: jsonRequestBody(webhookBody()),
      responses: {
        202: jsonResponse(eventOutcome, 'the outcome'),
        400: badRequest,
        401: problemResponse('the signature or the secret is missing or wrong'),
        413: tooLarge,
        415: compressed,
        503: commonResponses[503],
      },
      security: [{ signature: [] }, { svixSignature: [] }, { secret: [] }],
    },
  },
  '/api/health': {
    get: {
      operationId: 'health',
      tags: ['operations'],
      summary: 'Health of the system, one line for each dependency',
      responses: {
        200: textResponse('healthy'),
        503: textResponse('unhealthy'),
        401: commonResponses[401],
      },
      security: withKey,
    },
    head: {
      operationId: 'healthStatus',
      tags: ['operations'],
      summary: 'Health of the system: the status of GET, without a body',
      responses: {
        200: { description: 'healthy' },
        503: { description: 'unhealthy' },
        401: commonResponses[401],
      },
      security: withKey,
    },
  },
  '/api/ops': {
    get: {
      operationId: 'opsPage',
      tags: ['operations'],
      summary: 'The page for operators; the page prompts for the function key',
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
