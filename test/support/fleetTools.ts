import { type FleetListing, fleetPageSize, type ListedDevice } from '../../src/balena/listing.js';
import { type Credentials, minter } from '../../src/certificates/mint.js';
import type { DeviceRecord, Observed } from '../../src/device/record.js';
import { newRecord } from '../../src/device/transitionParts.js';
import type { HubListing } from '../../src/iothub/types.js';
import { acceptDependencies } from './acceptTools.js';

export const now = Date.parse('2030-01-01T00:00:00Z');
export const day = 86_400_000;
export const fleet = 'my_org/one';
const mint = minter({ days: 100 });
/** As long ago as to be left alone no longer. */
export const longAgo = now - day;

/** A uuid. Uuids sort by their numbers. */
export const uuidOf = (index: number): string => index.toString(16).padStart(4, '0').padEnd(32, 'a');

export const credentialsOf = (uuid: string, at = now - 10 * day): Promise<Credentials> => mint(uuid, at);

/** Balena with fleets in memory. */
export function fakeFleets() {
  const devices = new Map<string, ListedDevice>();
  let unseen: string | undefined;
  const requests: string[] = [];
  /** The services of every fleet, and the devices without any of them. */
  const services = ['main', 'sensor', 'old', 'other'];
  const without = new Set<string>();
  const balena: FleetListing & { seesFleet(fleet: string | null): Promise<boolean> } = {
    async list(slug, after) {
      requests.push(`list ${slug ?? '*'}`);
      return [...devices.values()]
        .filter(({ uuid, fleet: of }) => uuid > after && (slug === null || of === slug) && of !== unseen)
        .sort((a, b) => (a.uuid < b.uuid ? -1 : 1))
        .slice(0, fleetPageSize);
    },
    async fleetsOf(uuids) {
      requests.push(`fleetsOf ${uuids.length}`);
      const known = uuids.flatMap((uuid) => devices.get(uuid) ?? []);
      return new Map(known.map(({ uuid, fleet: of }) => [uuid, of]));
    },
    async servicesOf(slug) {
      requests.push(`servicesOf ${slug}`);
      return slug === unseen ? null : services;
    },
    async listWithout(service, slug, after) {
      requests.push(`listWithout ${service} ${slug}`);
      const lacking = [...devices.values()].filter(({ uuid, fleet: of }) => of === slug && without.has(uuid));
      return lacking.map(({ uuid }) => uuid).filter((uuid) => uuid > after);
    },
    async seesFleet(slug) {
      requests.push('seesFleet');
      return slug !== unseen;
    },
  };
  return {
    balena,
    requests,
    devices,
    services,
    without,
    /** From now on the key does not see this fleet. */
    hide(slug: string) {
      unseen = slug;
    },
    add(
      uuid: string,
      certificates: Record<string, string> = {},
      of = fleet,
      foreign: Record<string, string | null> = {},
    ) {
      devices.set(uuid, {
        uuid,
        fleet: of,
        certificates: new Map(Object.entries(certificates)),
        foreignCertificates: Object.entries(foreign).map(([service, certificate]) => ({
          service,
          certificate,
        })),
      });
    },
  };
}

/** A hub with identities in memory. A page holds two identities. */
export function fakeIdentities() {
  const identities = new Map<string, string[]>();
  let queries = 0;
  const hub: HubListing = {
    async list(from) {
      queries += 1;
      const at = Number(from ?? 0);
      const all = [...identities].map(([deviceId, accepts]) => ({ deviceId, accepts }));
      return { identities: all.slice(at, at + 2), next: at + 2 < all.length ? String(at + 2) : null };
    },
  };
  return { hub, identities, queries: () => queries };
}

/** The dependencies of everything in src/fleet, in memory. */
export function fleetDependencies() {
  const accepting = acceptDependencies(now);
  const fleets = fakeFleets();
  const registry = fakeIdentities();
  return {
    ...accepting,
    ...fleets,
    ...registry,
    deps: { ...accepting.deps, balena: fleets.balena, hub: registry.hub, queriesPerMinute: 20 },
    /** The requests to the workers: uuid and kind of each job. */
    requested: async () => {
      const found: string[] = [];
      for (const { uuid } of accepting.sent) {
        const { job, check, desired } = await accepting.record(uuid);
        const present = check ? 'check' : job ? 'change' : 'none';
        const what = desired.present ? present : 'remove';
        found.push(`${uuid} ${what}${(job ?? check)?.forceVerify ? ' forceVerify' : ''}`);
      }
      return found;
    },
  };
}

/** The record of a device with this certificate, provisioned a day ago. */
export function provisionedRecord(
  uuid: string,
  { thumbprint, notBefore, notAfter }: Credentials,
  observed: Partial<Observed> = {},
  more: Partial<DeviceRecord> = {},
): DeviceRecord {
  const requestId = '018f0000-0000-7000-8000-000000000000';
  const record = newRecord(
    uuid,
    { present: true, service: 'main', requestId, requestedAt: longAgo },
    longAgo,
  );
  return {
    ...record,
    observed: {
      ...record.observed,
      thumbprint,
      service: 'main',
      hub: [thumbprint, thumbprint],
      fleet,
      notBefore,
      notAfter,
      keyAlgorithm: 'ec-p256',
      verifiedAt: longAgo,
      ...observed,
    },
    scopes: ['main'],
    completedAt: longAgo,
    ...more,
  };
}
