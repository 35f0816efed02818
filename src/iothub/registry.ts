import { DefaultAzureCredential } from '@azure/identity';
import type { Device } from 'azure-iothub';
import restApiClientModule from 'azure-iothub/dist/common-http/rest_api_client.js';
import registryModule from 'azure-iothub/dist/registry.js';
import sharedAccessSignature from 'azure-iothub/dist/shared_access_signature.js';
import { ProvisioningError } from '../shared/errors.js';
import { isExisting, isMissing, mapHubError } from './errors.js';
import { DeadlineHttp } from './http.js';
import type { HubListing, HubRegistry, IdentityState, ListedIdentity, ThumbprintPair } from './types.js';

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
  const registry = new Registry(
    { host, ...config } as ConstructorParameters<typeof Registry>[0],
    new RestApiClient({ host, ...config }, 'balena-azure-iot-provisioner', http),
  );
  const identity = (deviceId: string, [primaryThumbprint, secondaryThumbprint]: ThumbprintPair) => ({
    deviceId,
    status: 'enabled',
    authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint, secondaryThumbprint } },
  });

  return {
    get: (deviceId, ms) =>
      unless<IdentityState, IdentityState>(false, isMissing, 'none', async () => {
        const { responseBody } = await http.within(ms, () => registry.get(deviceId));
        if (responseBody?.deviceId !== deviceId) throw foreignResponse(false);
        return responseBody.status === 'enabled' ? (thumbprintsOf(responseBody) ?? 'exists') : 'exists';
      }),
    create: (deviceId, thumbprints, ms) =>
      unless(true, isExisting, 'exists' as const, async () => {
        const { responseBody } = await http.within(ms, () =>
          registry.create(identity(deviceId, thumbprints)),
        );
        confirm(responseBody, deviceId, thumbprints);
        return 'created' as const;
      }),
    update: (deviceId, thumbprints, ms) =>
      unless(true, isMissing, 'none' as const, async () => {
        const { responseBody } = await http.within(ms, () =>
          registry.update(identity(deviceId, thumbprints)),
        );
        confirm(responseBody, deviceId, thumbprints);
        return 'updated' as const;
      }),
    remove: (deviceId, ms) =>
      unless(true, isMissing, 'none' as const, async () => {
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
    close: () => http.close(),
  };
}

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

/**
 * Runs a call. The expected error becomes the result `other`. Every other error is mapped to a ProvisioningError.
 *
 * @param write whether the call changes data
 */
async function unless<R, O>(
  write: boolean,
  expected: (error: unknown) => boolean,
  other: O,
  run: () => Promise<R>,
): Promise<R | O> {
  try {
    return await run();
  } catch (error) {
    if (expected(error)) return other;
    throw mapHubError(error, write);
  }
}

/**
 * Checks that the response shows the requested identity. For the web page of a proxy with status 200, the SDK returns a device without
 * an id.
 */
function confirm(device: Device | undefined, deviceId: string, thumbprints: ThumbprintPair): void {
  const stored = device && thumbprintsOf(device);
  if (device?.deviceId !== deviceId || stored?.[0] !== thumbprints[0] || stored[1] !== thumbprints[1])
    throw foreignResponse(true);
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

function thumbprintsOf({ authentication }: Device): ThumbprintPair | undefined {
  const { primaryThumbprint, secondaryThumbprint } = authentication?.x509Thumbprint ?? {};
  if (!primaryThumbprint) return undefined;
  return [primaryThumbprint.toUpperCase(), (secondaryThumbprint || primaryThumbprint).toUpperCase()];
}

function parse(connection: HubOptions['connection']) {
  if ('hostName' in connection) {
    const { hostname, port } = new URL(`https://${connection.hostName}`);
    const credential = sharedToken(new DefaultAzureCredential());
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
function sharedToken(credential: DefaultAzureCredential): DefaultAzureCredential {
  let pending: ReturnType<DefaultAzureCredential['getToken']> | undefined;
  const getToken: DefaultAzureCredential['getToken'] = (...args) => {
    pending ??= credential.getToken(...args).finally(() => {
      pending = undefined;
    });
    return pending;
  };
  return Object.assign(Object.create(credential), { getToken });
}
