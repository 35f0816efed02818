import type { VariableScope } from '../device/record.js';

/** A device as a listing shows it. */
export interface ListedDevice {
  uuid: string;
  /** The fleet's slug. */
  fleet: string;
  /** Certificates (base64 of the PEM) by the place at which they stand, each with a key beside it. The keys are not listed. */
  certificates: Map<VariableScope, string>;
}

/** The part of balena that looks at whole fleets. */
export interface FleetListing {
  /**
   * The devices of a fleet in the order of their uuids, at most `fleetPageSize`, with one request.
   *
   * @param fleet the fleet's slug; null: every device that the key sees
   * @param after the last uuid of the page before; '' for the first page
   * @throws ProvisioningError `balena-…`, `timed-out`
   */
  list(fleet: string | null, after: string): Promise<ListedDevice[]>;
  /**
   * The fleets (slugs) of devices by their uuids, without their variables, with one request; devices that balena does not show to our
   * key are left out.
   *
   * @param uuids at most `mostUuids`
   */
  fleetsOf(uuids: readonly string[]): Promise<Map<string, string>>;
}

/** A page of 1,000 devices with a certificate each is about 1.3 MB. */
export const fleetPageSize = 1_000;

/** UUIDs in one request: 100 of the longest make an address of 7 KB, of the 8 that servers usually take. */
export const mostUuids = 100;

export interface ListedRow {
  uuid: string;
  belongs_to__application: { slug: string }[];
  device_environment_variable: { value: string }[];
  service_install: {
    installs__service: { service_name: string }[];
    device_service_environment_variable: { value: string }[];
  }[];
}

const certificate = "name eq 'AZURE_CERT'";
const key = "name eq 'AZURE_PRIVATE_KEY'";

/**
 * What is asked for a page. Whether a key stands beside a certificate is asked for as a condition, so that no key leaves balena.
 * In the order of the uuids, and not of the ids, because the records are in that order, too: the two can be compared side by side.
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
      belongs_to__application: { $select: ['slug'] },
      device_environment_variable: {
        $select: ['value'],
        $filter: {
          $raw: `${certificate} and device/any(d:d/device_environment_variable/any(k:k/${key}))`,
        },
      },
      service_install: {
        $select: ['id'],
        // Services without a certificate need not travel.
        $filter: {
          $raw: `device_service_environment_variable/any(c:c/${certificate}) and device_service_environment_variable/any(k:k/${key})`,
        },
        $expand: {
          installs__service: { $select: ['service_name'] },
          device_service_environment_variable: { $select: ['value'], $filter: { $raw: certificate } },
        },
      },
    },
  };
}

export function listedDevice(row: ListedRow): ListedDevice {
  const certificates = new Map<VariableScope, string>();
  const [own] = row.device_environment_variable;
  if (own) certificates.set('', own.value);
  for (const { installs__service, device_service_environment_variable } of row.service_install) {
    const name = installs__service[0]?.service_name;
    const [there] = device_service_environment_variable;
    if (name && there) certificates.set(name, there.value);
  }
  return { uuid: row.uuid, fleet: row.belongs_to__application[0]?.slug ?? '', certificates };
}

/** A text in a filter. A quote in it is doubled, and so cannot end it. */
function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
