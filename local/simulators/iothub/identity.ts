import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { HubError } from './hubError.js';

/** The authentication of a device. */
export interface Authentication {
  type: 'sas' | 'selfSigned' | 'certificateAuthority' | 'none';
  symmetricKey: { primaryKey: string | null; secondaryKey: string | null };
  x509Thumbprint: { primaryThumbprint: string | null; secondaryThumbprint: string | null };
}

/** The properties of a device that a caller can set. */
export interface WantedIdentity {
  deviceId: string;
  status: 'enabled' | 'disabled';
  statusReason: string | null;
  authentication: Authentication;
  capabilities: { iotEdge: boolean };
  /** The Edge device that speaks for this device, for example `ms-azure-iot-edge://gateway-637…`. Absent: no such device. */
  deviceScope?: string;
  /** The Edge device above an Edge device. */
  parentScopes?: string[];
}

/** A device in the registry. */
export interface StoredIdentity extends WantedIdentity {
  /** Constant while the device is registered. A device registered again under the same id has another generation id. */
  generationId: string;
  /** Changes with every write. Without quotation marks. */
  etag: string;
  /** ISO 8601 */
  statusUpdatedTime: string;
  /** The tags of the device's twin. A PUT of the identity leaves the tags alone. */
  tags: Record<string, unknown>;
  /** Changes with every change of the tags. Another counter than the identity's etag. */
  twinVersion: number;
}

/** The hub's word for "never". */
export const never = '0001-01-01T00:00:00Z';

/** A device in the registry's answer. */
export function identityAnswer(
  { tags: _, twinVersion: __, ...identity }: StoredIdentity,
  connected: boolean,
): Record<string, unknown> {
  return {
    ...identity,
    connectionState: connected ? 'Connected' : 'Disconnected',
    connectionStateUpdatedTime: never,
    lastActivityTime: never,
    cloudToDeviceMessageCount: 0,
  };
}

/** 1 to 128 of these characters, case-sensitive (Microsoft: "Device identity properties"). */
export const deviceIdSyntax = /^[A-Za-z0-9\-:.+%_#*?!(),=@$']{1,128}$/;

/** SHA-1 or SHA-256 in hexadecimal. */
const thumbprintSyntax = /^(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/;

const text = z.string().nullish();

/** The form of `deviceScope` and `parentScopes`. */
const scope = z.string().regex(/^ms-azure-iot-edge:\/\/./, 'send ms-azure-iot-edge://<device>-<ticks>');

/** Fewest and most bytes of a symmetric key (Microsoft: "Device identity properties"). */
const keyBytes = { least: 16, most: 64 };

/** The hub ignores unknown properties. */
const identityBody = z.object({
  deviceId: z.string().optional(),
  status: z
    .string()
    .transform((status) => status.toLowerCase())
    .pipe(z.enum(['enabled', 'disabled']))
    .optional(),
  statusReason: z.string().max(128).nullish(),
  authentication: z
    .object({
      type: z.enum(['sas', 'selfSigned', 'certificateAuthority', 'none']).optional(),
      symmetricKey: z.object({ primaryKey: text, secondaryKey: text }).partial().nullish(),
      x509Thumbprint: z.object({ primaryThumbprint: text, secondaryThumbprint: text }).partial().nullish(),
    })
    .nullish(),
  capabilities: z.object({ iotEdge: z.boolean().optional() }).nullish(),
  deviceScope: z.union([scope, z.literal('')]).nullish(),
  parentScopes: z.array(scope).nullish(),
});

/**
 * Checks a device in a request, as strictly as the hub. A property that the request does not send gets its default. An update therefore
 * resets capabilities, status, reason and scope unless the caller sends the present values.
 *
 * @param body parsed JSON
 * @param id from the path, or the `id` of a bulk call's entry; `deviceId` in the body must be the same
 * @throws HubError 400
 */
export function readIdentity(body: unknown, id: string): WantedIdentity {
  checkDeviceId(id);
  const parsed = identityBody.safeParse(body);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'unusable'}`);
  }
  const { deviceId, status = 'enabled', statusReason = null, authentication, capabilities } = parsed.data;
  if (deviceId === undefined) throw new HubError('ArgumentNull', 'BadRequest: deviceId is missing');
  if (deviceId !== id) throw invalid('deviceId in the body and in the path differ');
  const { deviceScope, parentScopes } = parsed.data;
  return {
    deviceId,
    status,
    statusReason,
    authentication: readAuthentication(authentication ?? {}),
    capabilities: { iotEdge: capabilities?.iotEdge ?? false },
    ...(deviceScope && { deviceScope }),
    ...(parentScopes && parentScopes.length > 0 && { parentScopes }),
  };
}

/** @throws HubError 400 */
export function checkDeviceId(id: string): void {
  if (!deviceIdSyntax.test(id)) throw invalid('the device identifier is invalid');
}

function readAuthentication(
  given: NonNullable<z.infer<typeof identityBody>['authentication']>,
): Authentication {
  const primaryThumbprint = given.x509Thumbprint?.primaryThumbprint || null;
  const secondaryThumbprint = given.x509Thumbprint?.secondaryThumbprint || null;
  const thumbprints = [primaryThumbprint, secondaryThumbprint].filter((each) => each !== null);
  const type = given.type ?? (thumbprints.length > 0 ? 'selfSigned' : 'sas');

  if (type === 'selfSigned' && thumbprints.length === 0) throw invalid('selfSigned needs a thumbprint');
  if (type !== 'selfSigned' && thumbprints.length > 0) throw invalid(`${type} goes without thumbprints`);
  if (!thumbprints.every((each) => thumbprintSyntax.test(each))) {
    throw invalid('a thumbprint has 40 (SHA-1) or 64 (SHA-256) hexadecimal digits');
  }
  if (new Set(thumbprints.map(({ length }) => length)).size > 1) {
    throw invalid('both thumbprints must be SHA-1, or both SHA-256');
  }

  const key = (wanted: string | null | undefined) => {
    if (wanted && !isSymmetricKey(wanted))
      throw invalid(`a symmetric key is base64 of ${keyBytes.least} to ${keyBytes.most} bytes`);
    return type === 'sas' ? wanted || randomBytes(32).toString('base64') : null;
  };
  return {
    type,
    symmetricKey: {
      primaryKey: key(given.symmetricKey?.primaryKey),
      secondaryKey: key(given.symmetricKey?.secondaryKey),
    },
    x509Thumbprint: { primaryThumbprint, secondaryThumbprint },
  };
}

function isSymmetricKey(text: string): boolean {
  const { length } = Buffer.from(text, 'base64');
  const isBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text);
  return isBase64 && length >= keyBytes.least && length <= keyBytes.most;
}

const invalid = (detail: string) =>
  new HubError('ArgumentInvalid', `BadRequest: ${detail.replaceAll(';', ',')}`);
