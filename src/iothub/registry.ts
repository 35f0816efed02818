import type { TokenCredential } from '@azure/identity';
import type { Device } from 'azure-iothub';
import restApiClientModule from 'azure-iothub/dist/common-http/rest_api_client.js';
import registryModule from 'azure-iothub/dist/registry.js';
import sharedAccessSignature from 'azure-iothub/dist/shared_access_signature.js';
import { ProvisioningError } from '../shared/errors.js';
import { managedIdentity } from '../shared/managedIdentity.js';
import { hasChanged, isExisting, isMissing, mapHubError } from './errors.js';
import { DeadlineHttp } from './http.js';
import { identityBody, identityOf, thumbprintsOf, versionOf } from './identity.js';
import type { HubListing, HubRegistry, IdentityVersion, ListedIdentity, ThumbprintPair } from './types.js';

// Only two modules of the package are loaded (30 ms). The index of the package also loads AMQP (139 ms).
const { Registry } = registryModule;
const { RestApiClient } = restApiClientModule;

/** The connection to the hub. */
export interface HubOptions {
  /** A connection string (its host name may carry a port), or a host name with managed identity. */
  connection: { connectionString: string } | { hostName: string };
  /** The most open connections to the hub. 1,000 concurrent calls took 0.3 s over 16 connections, and 3.5 s over 1,000. */
  maxConnections?: number;
}

/** Opens the client for the hub's registry. @throws Error if the connection string cannot be read */
export function openHubRegistry({ connection, maxConnections = 16 }: HubOptions): HubRegistry & HubListing {
  const { host, port, config } = parse(connection);
  const http = new DeadlineHttp({ port, maxConnections });
  const rest = new RestApiClient({ host, ...config }, 'balena-azure-iot-provisioner', http);
  const registry = new Registry({ host, ...config } as ConstructorParameters<typeof Registry>[0], rest);

  /** The SDK's own `update` names no version (If-Match `*`), so that it would replace what another writer has just changed. */
  const replace = (body: ReturnType<typeof identityBody>, etag: string) =>
    new Promise<Device>((resolve, reject) => {
      const path = `/devices/${encodeURIComponent(body.deviceId)}?api-version=${apiVersion}`;
      const headers = { 'Content-Type': 'application/json; charset=utf-8', 'If-Match': `"${etag}"` };
      rest.executeApiCall('PUT', path, headers, body, (error: Error | null, device: Device) =>
        error ? reject(error) : resolve(device),
      );
    });

  return {
    get: (deviceId, ms) =>
      unless(false, missing, async () => {
        const { responseBody } = await http.within(ms, () => registry.get(deviceId));
        if (responseBody?.deviceId !== deviceId) throw foreignResponse(false);
        return identityOf(responseBody);
      }),
    create: (deviceId, thumbprints, ms) =>
      unless(true, existing, async () => {
        const { responseBody } = await http.within(ms, () =>
          registry.create(identityBody(deviceId, thumbprints)),
        );
        return confirmed(responseBody, deviceId, thumbprints);
      }),
    update: (deviceId, thumbprints, { etag, properties }, ms) =>
      unless(true, missingOrChanged, async () => {
        const body = identityBody(deviceId, thumbprints, properties);
        const device = await http.within(ms, () => replace(body, etag));
        return confirmed(device, deviceId, thumbprints);
      }),
    remove: (deviceId, ms) =>
      unless(true, nothingToRemove, async () => {
        const { httpResponse } = await http.within(ms, () => registry.delete(deviceId));
        if (httpResponse.statusCode !== 204) throw foreignResponse(true);
        return 'removed' as const;
      }),
    async list(from, ms) {
      try {
        // The query selects whole twins: the documentation shows the thumbprints in whole twins only.
        const query = registry.createQuery('SELECT * FROM devices', pageSize);
        const { result, message } = await http.within(ms, () => query.next(from ?? ''));
        if (!Array.isArray(result)) throw foreignResponse(false);
        const next = message?.headers['x-ms-continuation'];
        return { identities: result.map(listed), next: typeof next === 'string' ? next : null };
      } catch (error) {
        throw mapHubError(error, false);
      }
    },
    async ping(ms) {
      try {
        const { responseBody } = await http.within(ms, () => registry.getRegistryStatistics());
        if (typeof responseBody?.totalDeviceCount !== 'number') throw foreignResponse(false);
      } catch (error) {
        throw mapHubError(error, false);
      }
    },
    close: () => http.close(),
  };
}

/** The version that the SDK uses. */
const apiVersion = '2021-04-12';

/** The hub's largest page. */
const pageSize = 100;

interface Twin {
  deviceId?: unknown;
  status?: string;
  x509Thumbprint?: NonNullable<Device['authentication']>['x509Thumbprint'];
}

function listed({ deviceId, status, x509Thumbprint }: Twin): ListedIdentity {
  if (typeof deviceId !== 'string') throw foreignResponse(false);
  const { primaryThumbprint, secondaryThumbprint } = x509Thumbprint ?? {};
  const thumbprints = [primaryThumbprint, secondaryThumbprint].filter(
    (thumbprint) => typeof thumbprint === 'string',
  );
  const accepts = [...new Set(thumbprints.map((thumbprint) => thumbprint.toUpperCase()))].filter(
    (thumbprint) => thumbprint !== '',
  );
  return { deviceId, accepts: status === 'enabled' ? accepts : [] };
}

/** Expected errors, each with the result that the error becomes. */
type Expected<O> = readonly (readonly [is: (error: unknown) => boolean, result: O])[];

const missing = [[isMissing, 'none']] as const;
const existing = [[isExisting, 'exists']] as const;
const missingOrChanged = [
  [isMissing, 'none'],
  [hasChanged, 'changed'],
] as const;
/** The SDK removes with If-Match `*`. By RFC 7232, 412 then means that there is no identity. */
const nothingToRemove = [
  [isMissing, 'none'],
  [hasChanged, 'none'],
] as const;

/** Runs a call. An expected error becomes its result. Every other error is mapped to a ProvisioningError. */
async function unless<R, O>(write: boolean, expected: Expected<O>, run: () => Promise<R>): Promise<R | O> {
  try {
    return await run();
  } catch (error) {
    const found = expected.find(([is]) => is(error));
    if (found) return found[1];
    throw mapHubError(error, write);
  }
}

/**
 * The version of a written identity, if the response shows the requested identity. For the web page of a proxy with status 200, the SDK
 * returns a device without an id.
 */
function confirmed(
  device: Device | undefined,
  deviceId: string,
  thumbprints: ThumbprintPair,
): IdentityVersion {
  const stored = device && thumbprintsOf(device);
  if (device?.deviceId !== deviceId || stored?.[0] !== thumbprints[0] || stored[1] !== thumbprints[1])
    throw foreignResponse(true);
  return versionOf(device);
}

function foreignResponse(outcomeUnknown: boolean): ProvisioningError {
  return new ProvisioningError(
    'hub-unavailable',
    'The response did not come from IoT Hub: check the host name.',
    {
      dependency: 'hub',
      outcomeUnknown,
    },
  );
}

function parse(connection: HubOptions['connection']) {
  if ('hostName' in connection) {
    const { hostname, port } = new URL(`https://${connection.hostName}`);
    const credential = sharedToken(managedIdentity);
    return { host: hostname, port: Number(port || 443), config: { tokenCredential: credential, tokenScope } };
  }
  const parts = new Map(
    connection.connectionString.split(';').map((part) => {
      const at = part.indexOf('=');
      return [part.slice(0, at), part.slice(at + 1)] as const;
    }),
  );
  const { hostname, port } = new URL(`https://${parts.get('HostName')}`);
  const signature = sharedAccessSignature.create(
    hostname,
    parts.get('SharedAccessKeyName') ?? '',
    parts.get('SharedAccessKey') ?? '',
    // The SDK signs each call anew, with a validity of one hour.
    Date.now(),
  );
  return { host: hostname, port: Number(port || 443), config: { sharedAccessSignature: signature } };
}

const tokenScope = 'https://iothubs.azure.net/.default';

/** Makes one token request at a time. Without this, 200 concurrent first calls made 200 token requests. */
function sharedToken(credential: TokenCredential): TokenCredential {
  let pending: ReturnType<TokenCredential['getToken']> | undefined;
  return {
    getToken(...args) {
      pending ??= credential.getToken(...args).finally(() => {
        pending = undefined;
      });
      return pending;
    },
  };
}
