import type { BalenaSDK } from 'balena-sdk';
import type { VariableScope } from '../device/record.js';
import { ProvisioningError } from '../shared/errors.js';
import { withDeadline } from '../shared/network.js';
import { isExistingRow, mapBalenaError } from './errors.js';
import {
  type FleetListing,
  fleetQuery,
  type ListedRow,
  listedDevice,
  withoutServiceQuery,
} from './listing.js';
import type {
  BalenaClient,
  BalenaDevice,
  ForeignService,
  ScopedVariables,
  Variable,
  VariableName,
} from './types.js';
import { whoami } from './whoami.js';

/** The connection to balena. */
export interface BalenaOptions {
  /** The URL of the API, with a slash at the end. */
  apiUrl: string;
  apiKey: string;
  /** The longest time for one call, ms. The SDK's own limit is 59 s and cannot be changed. */
  callTimeoutMs?: number;
}

/** A page of a fleet is large. The value stays below the SDK's own limit of 59 s. */
const listTimeoutMs = 45_000;

/** Every key sees public applications, for example the host OS. They do not count as fleets of the key. */
const ownFleets = 'is_public eq false or owns__device/any(d:d/id gt 0)';

const variableQuery = {
  $select: ['id', 'name', 'value'],
  $filter: { name: { $in: ['AZURE_CERT', 'AZURE_PRIVATE_KEY'] } },
};

interface VariableRow {
  id: number;
  name: VariableName;
  value: string;
}

interface DeviceRow {
  id: number;
  belongs_to__application: { id: number; slug: string }[];
  device_environment_variable: VariableRow[];
  service_install: {
    id: number;
    installs__service: { service_name: string; application: { __id: number } }[];
    device_service_environment_variable: VariableRow[];
  }[];
}

/**
 * Opens the client for balena's API. One GET returns a device with its fleet, its services and their variables. Each write is one
 * request.
 */
export function openBalenaClient({
  apiUrl,
  apiKey,
  callTimeoutMs = 15_000,
}: BalenaOptions): BalenaClient & FleetListing {
  let sdk: BalenaSDK;
  let loggedIn: Promise<void> | undefined;

  /** Loads the SDK for the first call. An instance that only answers requests never calls balena. */
  async function logIn(): Promise<void> {
    const { getSdk } = await import('./sdk.js');
    // By default the SDK writes the API key in clear text into the home directory. `dataDirectory: false` prevents this.
    sdk = getSdk({ apiUrl, dataDirectory: false });
    // getSdk ignores its option `apiKey`. The login makes no request.
    await sdk.auth.loginWithToken(apiKey);
  }

  /** @param run gets the options of its request: a signal that is aborted at the deadline */
  async function call<R>(
    write: boolean,
    run: (passthrough: object) => Promise<R>,
    timeoutMs = callTimeoutMs,
  ): Promise<R> {
    try {
      return await withDeadline(timeoutMs, async (signal) => {
        loggedIn ??= logIn();
        await loggedIn;
        return run({ signal });
      });
    } catch (error) {
      throw mapBalenaError(error, write);
    }
  }

  /** The value of a variable; undefined if there is none. */
  async function storedValue(resource: string, filter: object): Promise<string | undefined> {
    const options = { $select: ['value'], $filter: filter };
    const rows = await call(false, (passthrough) =>
      sdk.pine.get({ resource, options, passthrough } as never),
    );
    return (rows as unknown as { value: string }[])[0]?.value;
  }

  return {
    async findDevice(uuid) {
      const rows = await call(false, (passthrough) =>
        sdk.pine.get({
          passthrough,
          resource: 'device',
          options: {
            $select: ['id'],
            $filter: { uuid },
            $expand: {
              belongs_to__application: { $select: ['id', 'slug'] },
              device_environment_variable: variableQuery,
              service_install: {
                $select: ['id'],
                $expand: {
                  installs__service: { $select: ['service_name', 'application'] },
                  device_service_environment_variable: variableQuery,
                },
              },
            },
          },
        } as never),
      );
      const row = (rows as unknown as DeviceRow[])[0];
      return row ? deviceOf(row) : null;
    },
    async list(fleet, after) {
      const options = fleetQuery(fleet, after);
      const get = (passthrough: object) =>
        sdk.pine.get({ resource: 'device', options, passthrough } as never);
      const rows = (await call(false, get, listTimeoutMs)) as unknown as ListedRow[];
      return rows.map(listedDevice);
    },
    async fleetsOf(uuids) {
      if (uuids.length === 0) return new Map();
      const options = {
        $select: ['uuid'],
        $filter: { uuid: { $in: uuids } },
        $expand: { belongs_to__application: { $select: ['slug'] } },
      };
      const get = (passthrough: object) =>
        sdk.pine.get({ resource: 'device', options, passthrough } as never);
      const rows = (await call(false, get)) as unknown as {
        uuid: string;
        belongs_to__application: { slug: string }[];
      }[];
      return new Map(rows.map((row) => [row.uuid, row.belongs_to__application[0]?.slug ?? '']));
    },
    async servicesOf(fleet) {
      const options = {
        $select: ['id'],
        $expand: { service: { $select: ['service_name'], $orderby: { service_name: 'asc' } } },
        $filter: { slug: fleet },
      };
      const rows = await call(false, (passthrough) =>
        sdk.pine.get({ resource: 'application', options, passthrough } as never),
      );
      const [row] = rows as unknown as { service: { service_name: string }[] }[];
      return row ? row.service.map(({ service_name }) => service_name) : null;
    },
    async listWithout(service, fleet, after) {
      const options = withoutServiceQuery(service, fleet, after);
      const get = (passthrough: object) =>
        sdk.pine.get({ resource: 'device', options, passthrough } as never);
      const rows = (await call(false, get, listTimeoutMs)) as unknown as { uuid: string }[];
      return rows.map(({ uuid }) => uuid);
    },
    async seesFleet(fleet) {
      const options = {
        $select: ['is_public'],
        $expand: { owns__device: { $select: ['id'], $top: 1 } },
        $top: 1,
        $filter: fleet === null ? { $raw: ownFleets } : { slug: fleet },
      };
      const rows = await call(false, (passthrough) =>
        sdk.pine.get({ resource: 'application', options, passthrough } as never),
      );
      const [row] = rows as unknown as { is_public: boolean; owns__device: unknown[] }[];
      // Every key sees a public fleet, but only the key of a user with a right to the fleet sees its devices.
      return row !== undefined && (!row.is_public || row.owns__device.length > 0);
    },
    async add(scope, { ownerId }, name, value) {
      const resource = resourceOf(scope);
      const body = { [ownerOf(scope)]: ownerId, name, value };
      return call(true, async (passthrough) => {
        try {
          const answer: unknown = await sdk.pine.post({ resource, body, passthrough } as never);
          expectRow(answer);
          return { id: answer.id, value };
        } catch (error) {
          if (isExistingRow(error)) return null;
          throw error;
        }
      });
    },
    async store(scope, scopedVariables, name, value) {
      const existing = scopedVariables.variables[name];
      const resource = resourceOf(scope);
      const owner = { [ownerOf(scope)]: scopedVariables.ownerId };
      if (existing)
        return call(true, async (passthrough) =>
          expectNoPage(
            await sdk.pine.patch({ resource, id: existing.id, body: { value }, passthrough } as never),
          ),
        );
      try {
        await call(true, async (passthrough) =>
          expectRow(await sdk.pine.post({ resource, body: { ...owner, name, value }, passthrough } as never)),
        );
      } catch (error) {
        // An earlier try of the same write, whose answer was lost, may have created the row.
        if (!isConflict(error) || (await storedValue(resource, { ...owner, name })) !== value) throw error;
      }
    },
    async remove(scope, { id }: Variable) {
      await call(true, async (passthrough) =>
        expectNoPage(await sdk.pine.delete({ resource: resourceOf(scope), id, passthrough } as never)),
      );
    },
    async ping(timeoutMs) {
      await whoami({ apiUrl, apiKey, callTimeoutMs: Math.min(timeoutMs, callTimeoutMs) });
    },
  };
}

const isConflict = (error: unknown) => error instanceof ProvisioningError && error.code === 'balena-conflict';
/** balena answers a new row with the row itself. A web page with status 200 comes from another server. */
function expectRow(answer: unknown): asserts answer is { id: number } {
  if (typeof (answer as { id?: unknown } | null)?.id !== 'number')
    throw new Error('the response is not a row');
}

/** balena answers a change and a removal with "OK" or an empty body. */
function expectNoPage(answer: unknown): void {
  if (/^\s*</.test(String(answer))) throw new Error('the response is a web page');
}

function resourceOf(scope: VariableScope): string {
  return scope === '' ? 'device_environment_variable' : 'device_service_environment_variable';
}

function ownerOf(scope: VariableScope): string {
  return scope === '' ? 'device' : 'service_install';
}

function deviceOf(row: DeviceRow): BalenaDevice {
  const [fleet] = row.belongs_to__application;
  const scopes = new Map<VariableScope, ScopedVariables>([
    ['', { ownerId: row.id, variables: named(row.device_environment_variable) }],
  ]);
  const foreignServices: ForeignService[] = [];
  for (const { id, installs__service, device_service_environment_variable } of row.service_install) {
    const [service] = installs__service;
    if (!service) continue;
    const name = service.service_name;
    const there = named(device_service_environment_variable);
    if (service.application.__id === fleet?.id) scopes.set(name, { ownerId: id, variables: there });
    else if (device_service_environment_variable.length > 0) foreignServices.push({ name, variables: there });
  }
  return { fleet: fleet?.slug ?? '', scopes, foreignServices };
}

function named(rows: VariableRow[]): ScopedVariables['variables'] {
  return Object.fromEntries(rows.map(({ id, name, value }) => [name, { id, value }]));
}
