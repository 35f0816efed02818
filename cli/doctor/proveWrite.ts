import type { BalenaOptions } from '../../src/balena/client.js';
import { requestBalena } from '../../src/balena/whoami.js';
import { ProvisioningError } from '../../src/shared/errors.js';

/** The variable of the proof. No service reads a variable of this name. A variable that a killed doctor left is removed by the next proof. */
export const proofVariable = 'PROVISIONER_WRITE_TEST';

/** What the proof has shown for one fleet. */
export interface WriteProof {
  fleet: string;
  /** The device of the proof; null if the fleet has no device. */
  device: { uuid: string; isOnline: boolean } | null;
  /** The first right that is missing; null if the key may make, change and remove variables. */
  missing: 'create' | 'change' | 'remove' | null;
}

/** A variable of the proof in balena. */
interface ProofRow {
  resource: string;
  id: number;
  value: string;
}

interface DeviceRow {
  id: number;
  uuid: string;
  is_online: boolean;
  belongs_to__application: { id: number }[];
  service_install: { id: number; installs__service: { application: { __id: number } }[] }[];
}

const atDevice = 'device_environment_variable';
const atService = 'device_service_environment_variable';
const firstValue = '1';
const changedValue = '2';

/**
 * Proves the right to write the variables of a fleet with a write that is taken back. The right can be a condition, and balena then answers a change and a
 * removal with 200 and without effect. Only reading back shows the right.
 *
 * The device of the proof is offline if the fleet has such a device: an offline device never sees the variables. The services of an online device
 * may restart. The variables are at the device level, and at one service of the fleet if the device has one.
 *
 * @param fleet the fleet's slug
 * @throws ProvisioningError `balena-…`, `timed-out`
 */
export async function proveWrite(options: BalenaOptions, fleet: string): Promise<WriteProof> {
  const balena = openRequests(options);
  const device = await findDevice(balena, fleet);
  if (!device) return { fleet, device: null, missing: null };
  const proof = { fleet, device: { uuid: device.uuid, isOnline: device.is_online } };
  // An interrupted proof may have left its variables.
  if (!(await removeRows(balena, fleet))) return { ...proof, missing: 'remove' };
  let missing: WriteProof['missing'] = null;
  let areGone = false;
  try {
    missing = await writeRows(balena, fleet, device);
  } finally {
    areGone = await removeRows(balena, fleet);
  }
  return { ...proof, missing: missing ?? (areGone ? null : 'remove') };
}

/** The fleets that the key sees, by slug. Public applications without a device of the key do not count. */
export async function visibleFleets(options: BalenaOptions): Promise<string[]> {
  const filter = "is_of__class eq 'fleet' and (is_public eq false or owns__device/any(d:d/id gt 0))";
  const rows = await openRequests(options).get<{ slug: string }>('application', {
    $select: 'slug',
    $filter: filter,
    $orderby: 'slug asc',
  });
  return rows.map(({ slug }) => slug);
}

/** Makes the variables of the proof, changes them, and reads them back. @returns the missing right */
async function writeRows(
  balena: Requests,
  fleet: string,
  device: DeviceRow,
): Promise<'create' | 'change' | null> {
  const [application] = device.belongs_to__application;
  const install = device.service_install.find(
    ({ installs__service: [service] }) => service?.application.__id === application?.id,
  );
  const places = [
    { resource: atDevice, owner: { device: device.id } },
    ...(install ? [{ resource: atService, owner: { service_install: install.id } }] : []),
  ];
  const results = await Promise.allSettled(
    places.map(async ({ resource, owner }) => {
      const id = await balena.create(resource, { ...owner, name: proofVariable, value: firstValue });
      await balena.change(`${resource}(${id})`, 'PATCH', { value: changedValue });
    }),
  );
  for (const result of results) {
    if (result.status === 'fulfilled') continue;
    if (isRefused(result.reason)) return 'create';
    throw result.reason;
  }
  const rows = await rowsOf(balena, fleet);
  const isChanged = rows.length === places.length && rows.every(({ value }) => value === changedValue);
  return isChanged ? null : 'change';
}

function isRefused(error: unknown): boolean {
  return ['balena-unauthorized', 'balena-write-refused'].includes(ProvisioningError.from(error).code);
}

/** Removes the variables of this proof, and of earlier proofs that were interrupted. @returns false if balena still shows one of them */
async function removeRows(balena: Requests, fleet: string): Promise<boolean> {
  const rows = await rowsOf(balena, fleet);
  if (rows.length === 0) return true;
  await Promise.all(rows.map(({ resource, id }) => balena.change(`${resource}(${id})`, 'DELETE')));
  return (await rowsOf(balena, fleet)).length === 0;
}

async function rowsOf(balena: Requests, fleet: string): Promise<ProofRow[]> {
  const ofFleet = `device/any(d:d/belongs_to__application/any(a:a/slug eq ${text(fleet)}))`;
  const read = async (resource: string, condition: string) => {
    const rows = await balena.get<Omit<ProofRow, 'resource'>>(resource, {
      $select: 'id,value',
      $filter: `name eq ${text(proofVariable)} and ${condition}`,
    });
    return rows.map((row) => ({ ...row, resource }));
  };
  const found = await Promise.all([
    read(atDevice, ofFleet),
    read(atService, `service_install/any(s:s/${ofFleet})`),
  ]);
  return found.flat();
}

async function findDevice(balena: Requests, fleet: string): Promise<DeviceRow | undefined> {
  const services = 'installs__service($select=application)';
  const [device] = await balena.get<DeviceRow>('device', {
    $select: 'id,uuid,is_online',
    $filter: `belongs_to__application/any(a:a/slug eq ${text(fleet)})`,
    $orderby: 'is_online asc,id asc',
    $top: '1',
    $expand: `belongs_to__application($select=id),service_install($select=id;$expand=${services})`,
  });
  return device;
}

type Requests = ReturnType<typeof openRequests>;

function openRequests({ apiUrl, apiKey, callTimeoutMs = 10_000 }: BalenaOptions) {
  const options = { apiUrl, apiKey, callTimeoutMs };
  return {
    async get<R>(resource: string, query: Record<string, string>): Promise<R[]> {
      const path = `v7/${resource}?${new URLSearchParams(query)}`;
      const body = await requestBalena(options, path, {}, (response) => response.json());
      return (body as { d: R[] }).d;
    },
    /** @returns the id of the new row */
    async create(resource: string, row: object): Promise<number> {
      const init = { method: 'POST', body: JSON.stringify(row) };
      const body = await requestBalena(options, `v7/${resource}`, init, (response) => response.json());
      return (body as { id: number }).id;
    },
    async change(path: string, method: 'PATCH' | 'DELETE', values?: object): Promise<void> {
      const init = { method, ...(values && { body: JSON.stringify(values) }) };
      await requestBalena(options, `v7/${path}`, init, async () => {});
    },
  };
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}
