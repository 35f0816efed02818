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

const form = 'must be a text';

/** The body of DELETE `/api/provision`, and of POST for an issued key. */
export const provisionBody = z.strictObject({
  uuid: optional(uuid),
  balena_service: balenaService,
  method: z.unknown().optional().describe('ignored: callers of the old function send this field'),
});

/** The body of POST `/api/provision`. */
export const requestBody = provisionBody.extend({
  certificate: optional(
    z
      .string(form)
      .describe(
        'the self-signed certificate of an own key: PEM, or base64 of the PEM. Not together with balena_service',
      ),
  ),
  csr: optional(
    z
      .string(form)
      .describe(
        'a certificate request (PKCS #10) for an own key, if a CA is configured: PEM, or base64 of the PEM. Not together with certificate or balena_service',
      ),
  ),
  uses: optional(
    z
      .string(form)
      .describe(
        'with `certificate` or `csr`: the SHA-256 thumbprint of the certificate that the device connects with',
      ),
  ),
});

/** A parsed request. */
export interface ProvisionRequest {
  uuid: string;
  /** Undefined if the request names no service. */
  service: string | undefined;
  /** The certificate of an own key as sent, not checked; undefined in a request for an issued key. */
  certificate: string | undefined;
  /** A certificate request for an own key as sent, not checked; undefined in every other request. */
  csr: string | undefined;
  /** SHA-256, upper-case hex; undefined if the device does not say which certificate it uses. */
  uses: string | undefined;
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
    if (inPath && uuidInPathSuffices)
      return { uuid: inPath, service: undefined, certificate: undefined, csr: undefined, uses: undefined };
    throw new BadRequest(
      'provision.request.no-body',
      `The request has no body. ${noBodyHint} Send JSON: ${example}`,
    );
  }
  const sent = (uuidInPathSuffices ? provisionBody : requestBody).safeParse(body);
  if (!sent.success) throw badBody(sent.error);
  const {
    uuid: inBody,
    balena_service: service,
    certificate,
    csr,
    uses,
  } = sent.data as z.output<typeof requestBody>;
  if (inPath && inBody && inPath !== inBody) {
    throw new BadRequest(
      'provision.request.uuid-mismatch',
      'The path and the body have different UUIDs. Send only one UUID.',
    );
  }
  const deviceUuid = inBody ?? (uuidInPathSuffices ? inPath : undefined);
  if (!deviceUuid)
    throw new BadRequest('provision.request.bad-uuid', `The body has no "uuid". Send JSON: ${example}`);
  if ([certificate, csr, service].filter((each) => each !== undefined).length > 1)
    throw new BadRequest(
      'provision.request.bad-body',
      'The body has more than one of "certificate", "csr" and "balena_service". A device with an own key has no service: send only one of them.',
    );
  return { uuid: deviceUuid, service, certificate, csr, uses: parseUses(uses, certificate ?? csr) };
}

/** @throws BadRequest `provision.request.bad-uses` if `uses` is no thumbprint, or is not beside an own key */
function parseUses(uses: string | undefined, ownKey: string | undefined): string | undefined {
  if (uses === undefined) return undefined;
  const thumbprint = uses.replaceAll(':', '').toUpperCase();
  if (ownKey !== undefined && /^[0-9A-F]{64}$/.test(thumbprint)) return thumbprint;
  throw new BadRequest(
    'provision.request.bad-uses',
    '"uses" must be the SHA-256 thumbprint (64 hexadecimal digits) of the certificate that the device connects with, beside a "certificate" or a "csr".',
  );
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
  if (field === 'certificate')
    return new BadRequest('provision.request.bad-certificate', `"certificate" ${issue?.message}.`);
  if (field === 'csr') return new BadRequest('provision.request.bad-csr', `"csr" ${issue?.message}.`);
  if (field === 'uses') return new BadRequest('provision.request.bad-uses', `"uses" ${issue?.message}.`);
  if (field === 'uuid') return new BadRequest('provision.request.bad-uuid', `"uuid" ${issue?.message}.`);
  if (field === 'balena_service')
    return new BadRequest('provision.request.bad-service', `"balena_service" ${issue?.message}.`);
  return new BadRequest('provision.request.bad-body', `The body is wrong. Send: ${example}`);
}
