import type { HttpRequest } from '@azure/functions';
import * as z from 'zod';
import { optional, serviceName, uuid } from '../../shared/schemas.js';
import { noBodyHint, parseJsonObject, readBody } from '../body.js';
import { BadRequest } from '../errors.js';

/** Cloud Relay sends this text if the variable for the service's name is missing. */
const undefinedService = 'undefined';

/** The service in a body: a name, or '' for the device level. */
const balenaService = optional(
  serviceName.refine((name) => name !== undefinedService, {
    error: 'is the string "undefined": the variable that should name the service is not set on the device',
  }),
);

/** The body of POST and DELETE `/api/provision`. */
export const provisionBody = z.strictObject({
  uuid: optional(uuid),
  balena_service: balenaService,
  method: z.unknown().optional().describe('ignored: callers of the old function send this field'),
});

/** A parsed request. */
export interface ProvisionRequest {
  uuid: string;
  /** Undefined if the request names no service. */
  service: string | undefined;
}

const example = '{"uuid": "<32 or 62 hex digits>", "balena_service": "<name>"}';

/**
 * Parses a request of `POST` or `DELETE /api/provision`.
 *
 * @param uuidInPathSuffices true for DELETE: the body may be empty if the path has the UUID; POST needs the UUID in the body
 * @throws BadRequest `provision.request.…`
 */
export async function parseProvision(
  request: HttpRequest,
  uuidInPathSuffices: boolean,
): Promise<ProvisionRequest> {
  const inPath = parseUuidInPath(request);
  const body = parseJsonObject(await readBody(request, 'provision'), 'provision', example);
  if (!body) {
    if (inPath && uuidInPathSuffices) return { uuid: inPath, service: undefined };
    throw new BadRequest(
      'provision.request.no-body',
      `The request has no body. ${noBodyHint} Send JSON: ${example}`,
    );
  }
  const sent = provisionBody.safeParse(body);
  if (!sent.success) throw badBody(sent.error);
  const { uuid: inBody, balena_service: service } = sent.data;
  if (inPath && inBody && inPath !== inBody) {
    throw new BadRequest(
      'provision.request.uuid-mismatch',
      'The path and the body have different UUIDs. Send only one UUID.',
    );
  }
  const deviceUuid = inBody ?? (uuidInPathSuffices ? inPath : undefined);
  if (!deviceUuid)
    throw new BadRequest('provision.request.bad-uuid', `The body has no "uuid". Send JSON: ${example}`);
  return { uuid: deviceUuid, service };
}

/**
 * @returns undefined if the path has no UUID
 * @throws BadRequest `provision.request.bad-uuid` if the UUID in the path is invalid
 */
export function parseUuidInPath({ params }: HttpRequest): string | undefined {
  if (!params.uuid) return undefined;
  const parsed = uuid.safeParse(params.uuid);
  if (parsed.success) return parsed.data;
  throw new BadRequest(
    'provision.request.bad-uuid',
    `The uuid in the path ${parsed.error.issues[0]?.message}.`,
  );
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
  return new BadRequest('provision.request.bad-body', `The body is wrong. Send: ${example}`);
}
