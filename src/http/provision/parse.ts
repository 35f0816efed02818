import type { HttpRequest } from '@azure/functions';
import { z } from 'zod';
import { uuid } from '../../shared/schemas.js';
import { readBody } from '../body.js';
import { BadRequest } from '../errors.js';

/** Cloud Relay sends this where its variable is missing. */
const undefinedService = 'undefined';

export const provisionBody = z.strictObject({
  uuid: uuid.optional(),
  balena_service: z
    .string('must be a string: the name of a service, or "" for the device level')
    .max(255, 'must have at most 255 characters')
    .refine((name) => name !== undefinedService, {
      error: 'is the string "undefined": the variable that should name the service is not set on the device',
      params: { code: 'provision.request.bad-service' },
    })
    .optional(),
});

export interface ProvisionRequest {
  uuid: string;
  /** Undefined where the request names none. */
  service: string | undefined;
}

const example = '{"uuid": "<32 or 62 hex digits>", "balena_service": "<name>"}';

/**
 * The request of `POST` and `DELETE /api/provision`.
 *
 * @param uuidInPathSuffices DELETE may name the device in the path only; POST must name it in its body
 * @throws BadRequest
 */
export async function parseProvision(
  request: HttpRequest,
  uuidInPathSuffices: boolean,
): Promise<ProvisionRequest> {
  const inPath = parseUuidInPath(request);
  const text = (await readBody(request)).trim();
  if (text === '') {
    if (inPath && uuidInPathSuffices) return { uuid: inPath, service: undefined };
    throw new BadRequest('provision.request.no-body', `The request has no body. Send JSON: ${example}`);
  }
  const sent = provisionBody.safeParse(parseJson(text));
  if (!sent.success) throw badBody(sent.error);
  const { uuid: inBody, balena_service: service } = sent.data;
  if (inPath && inBody && inPath !== inBody) {
    throw new BadRequest(
      'provision.request.uuid-mismatch',
      'The uuid in the path and the one in the body differ: send one of them.',
    );
  }
  const named = inBody ?? (uuidInPathSuffices ? inPath : undefined);
  if (!named)
    throw new BadRequest('provision.request.bad-uuid', `The body has no "uuid". Send JSON: ${example}`);
  return { uuid: named, service };
}

/** @throws BadRequest if there is one and it is not a UUID of a device */
export function parseUuidInPath({ params }: HttpRequest): string | undefined {
  if (!params.uuid) return undefined;
  const parsed = uuid.safeParse(params.uuid);
  if (parsed.success) return parsed.data;
  throw new BadRequest(
    'provision.request.bad-uuid',
    `The uuid in the path ${parsed.error.issues[0]?.message}.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequest('provision.request.bad-body', `The body is not JSON. Send, for example: ${example}`);
  }
}

function badBody({ issues }: z.ZodError): BadRequest {
  const issue = issues[0];
  const field = issue?.path[0];
  if (issue?.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => JSON.stringify(key)).join(', ');
    return new BadRequest(
      'provision.request.unknown-field',
      `The body has unknown fields: ${names}. Send: ${example}`,
    );
  }
  if (field === 'uuid') return new BadRequest('provision.request.bad-uuid', `"uuid" ${issue?.message}.`);
  if (field === 'balena_service')
    return new BadRequest('provision.request.bad-service', `"balena_service" ${issue?.message}.`);
  return new BadRequest('provision.request.bad-body', `The body must be a JSON object: ${example}`);
}
