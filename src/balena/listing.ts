import type { VariableScope } from '../device/record.js';

/** A device in a listing. */
export interface ListedDevice {
  uuid: string;
  /** The fleet's slug. */
  fleet: string;
  /** The certificates (base64 of the PEM) with a key beside them, by variable scope. The keys are not listed. */
  certificates: Map<VariableScope, string>;
  /** The services of other applications than the fleet, for example of the host OS, that hold one of our variables or both. */
  foreignCertificates: ForeignCertificate[];
}

export interface ForeignCertificate {
  /** The service's name. The application of the service is not the device's fleet. */
  service: string;
  /** Base64 of the PEM; null if the service holds only a key. */
  certificate: string | null;
}

/** Reads whole fleets from balena. */
export interface FleetListing {
  /**
   * Reads one page of a fleet's devices in the order of their uuids, with one request. A page has at most `fleetPageSize` devices.
   *
   * @param fleet the fleet's slug; null for all devices that the key sees
   * @param after the last uuid of the previous page; '' for the first page
   * @throws ProvisioningError `balena-…`, `timed-out`
   */
  list(fleet: string | null, after: string): Promise<ListedDevice[]>;
  /**
   * Reads the fleets (slugs) of devices by uuid, with one request. Devices that our key does not see are missing from the result.
   *
   * @param uuids at most `mostUuids`
   */
  fleetsOf(uuids: readonly string[]): Promise<Map<string, string>>;
  /**
   * The names of the services that the releases of a fleet have had, with one request.
   *
   * @param fleet the fleet's slug
   * @returns null if our key does not see the fleet
   */
  servicesOf(fleet: string): Promise<string[] | null>;
  /**
   * Reads one page of a fleet's devices that have no install of a service, in the order of their uuids, with one request. A page has at most
   * `fleetPageSize` uuids.
   *
   * @param after the last uuid of the previous page; '' for the first page
   */
  listWithout(service: VariableScope, fleet: string, after: string): Promise<string[]>;
}

/** A page of 1,000 devices with a certificate each is about 1.3 MB. */
export const fleetPageSize = 1_000;

/** The most uuids in one request. 100 uuids of 62 digits make a URL of 7 KB, and servers usually accept 8 KB. */
export const mostUuids = 100;

/** A row of the query for a page. */
export interface ListedRow {
  uuid: string;
  belongs_to__application: { id: number; slug: string }[];
  device_environment_variable: { value: string }[];
  service_install: {
    installs__service: { service_name: string; application: { __id: number } }[];
    device_service_environment_variable: { value: string }[];
  }[];
}

const certificate = "name eq 'AZURE_CERT'";
const key = "name eq 'AZURE_PRIVATE_KEY'";
const hasCertificate = `device_service_environment_variable/any(c:c/${certificate})`;
const hasKey = `device_service_environment_variable/any(k:k/${key})`;
/** Host OS and supervisor are applications of another class than fleets. */
const isForeign = "installs__service/any(s:s/application/any(a:a/is_of__class ne 'fleet'))";

/**
 * The query for one page of a fleet. The presence of a key is a condition of the query, so that no key leaves balena. The devices
 * are sorted by uuid, like the records, so that a merge join can compare both.
 */
export function fleetQuery(fleet: string | null, after: string): object {
  const conditions = [
    `uuid gt ${text(after)}`,
    ...(fleet === null ? [] : [`belongs_to__application/any(a:a/slug eq ${text(fleet)})`]),
  ];
  return {
    $select: ['uuid'],
    $filter: { $raw: conditions.join(' and ') },
    $orderby: { uuid: 'asc' },
    $top: fleetPageSize,
    $expand: {
      belongs_to__application: { $select: ['id', 'slug'] },
      device_environment_variable: {
        $select: ['value'],
        $filter: {
          $raw: `${certificate} and device/any(d:d/device_environment_variable/any(k:k/${key}))`,
        },
      },
      service_install: {
        $select: ['id'],
        // Services without a certificate are left out, to keep the page small. In services of other applications half a pair counts, too.
        $filter: {
          $raw: `(${hasCertificate} and ${hasKey}) or ((${hasCertificate} or ${hasKey}) and ${isForeign})`,
        },
        $expand: {
          installs__service: { $select: ['service_name', 'application'] },
          device_service_environment_variable: { $select: ['value'], $filter: { $raw: certificate } },
        },
      },
    },
  };
}

/**
 * The query for one page of the devices without a service. The services of other applications do not count: the service of the host OS is
 * called `main`, like the service of many fleets.
 */
export function withoutServiceQuery(service: VariableScope, fleet: string, after: string): object {
  const ofFleet = `slug eq ${text(fleet)}`;
  const hasService = `service_install/any(i:i/installs__service/any(s:s/service_name eq ${text(service)} and s/application/any(f:f/${ofFleet})))`;
  return {
    $select: ['uuid'],
    $filter: {
      $raw: `uuid gt ${text(after)} and belongs_to__application/any(a:a/${ofFleet}) and not(${hasService})`,
    },
    $orderby: { uuid: 'asc' },
    $top: fleetPageSize,
  };
}

/** Maps a row of the query to a device. */
export function listedDevice(row: ListedRow): ListedDevice {
  const [fleet] = row.belongs_to__application;
  const certificates = new Map<VariableScope, string>();
  const foreignCertificates: ForeignCertificate[] = [];
  const [own] = row.device_environment_variable;
  if (own) certificates.set('', own.value);
  for (const { installs__service, device_service_environment_variable } of row.service_install) {
    const [service] = installs__service;
    const [there] = device_service_environment_variable;
    if (!service) continue;
    const name = service.service_name;
    if (service.application.__id !== fleet?.id)
      foreignCertificates.push({ service: name, certificate: there?.value ?? null });
    else if (there) certificates.set(name, there.value);
  }
  return { uuid: row.uuid, fleet: fleet?.slug ?? '', certificates, foreignCertificates };
}

/** A text in a filter. A quote in the text is doubled, so that the quote cannot end the text. */
function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
