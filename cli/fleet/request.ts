import type { Desired, VariableScope } from '../../src/device/record.js';
import { type ListingDependencies, listDevices } from '../../src/fleet/list.js';
import { mergeJoin } from '../../src/fleet/mergeJoin.js';
import { type AcceptDependencies, accept } from '../../src/provisioning/accept.js';
import { forEachConcurrently } from '../../src/shared/async.js';
import { retryWithBackoff } from '../../src/shared/retry.js';

export type RequestDependencies = AcceptDependencies & ListingDependencies;

export interface FleetRequest {
  /** Slug. */
  fleet: string;
  /** Where the credentials belong; '' for the device level. */
  service: VariableScope;
  /** Leave out devices that hold credentials, wherever they stand. */
  onlyMissing?: boolean;
  /** Ask also for devices that are wanted at another service: their credentials are taken away from there. */
  move?: boolean;
  /** Ends it, cleanly: what was accepted stays, and to ask again goes on. */
  signal?: AbortSignal;
  onProgress?(progress: RequestProgress): void;
}

export interface RequestProgress {
  /** Devices of the fleet that were looked at. */
  devices: number;
  /** Left out, because they hold credentials. */
  skipped: number;
  /** Not asked for, because they are wanted at another service, and are not to be moved. */
  elsewhere: number;
  /** New requests. */
  requested: number;
  /** Asked for before, and still under way. */
  underWay: number;
  alreadyProvisioned: number;
  /** Failed for good, and not taken up again yet. */
  failed: number;
  /** Their service was changed less than ten minutes ago. */
  conflicts: number;
}

export interface RequestReport extends RequestProgress {
  /** All that were asked for, whatever came of it: to be followed. */
  uuids: string[];
  /** False if it was ended before the end of the fleet. */
  finished: boolean;
}

/** Accepting is a read, a write and a send each: more at a time does not make it faster on two cores. */
const asksAtATime = 50;

/** A device that `askFleet` would ask for, or leave where it is. */
export interface PlannedRequest {
  uuid: string;
  /** The other service where it is wanted, and where it is left; null if it would be asked for. */
  elsewhere: VariableScope | null;
}

/**
 * What `askFleet` would do; it does nothing.
 *
 * @throws ProvisioningError `balena-…`, `records-unavailable`; the signal's reason
 */
export async function* planFleet(
  deps: ListingDependencies & Pick<RequestDependencies, 'records'>,
  { fleet, service, onlyMissing = false, move = false, signal }: Omit<FleetRequest, 'onProgress'>,
): AsyncGenerator<PlannedRequest> {
  const devices = listDevices(deps, { fleets: [fleet], signal });
  for await (const { uuid, device, record } of mergeJoin(devices, deps.records.summaries())) {
    if (!device || (onlyMissing && device.certificates.size > 0)) continue;
    const wanted = record && { present: record.operation !== 'deprovision', service: record.service };
    yield { uuid, elsewhere: move ? null : elsewhere(wanted, service) };
  }
}

/** The other service where a device is wanted; null if there is none. */
function elsewhere(
  wanted: Pick<Desired, 'present' | 'service'> | null | undefined,
  service: VariableScope,
): VariableScope | null {
  if (!wanted?.present || wanted.service === service) return null;
  return wanted.service;
}

/**
 * Asks for every device of a fleet, but for those that are wanted at another service: a wrong service must not cut a fleet off. To ask
 * again costs two reads for each that was asked for before, so that one that was interrupted is simply run again.
 *
 * @throws ProvisioningError `balena-…`, `records-unavailable`, `queue-unavailable`, after some patience
 */
export async function requestFleet(deps: RequestDependencies, options: FleetRequest): Promise<RequestReport> {
  const { fleet, service, onlyMissing = false, move = false, signal, onProgress } = options;
  const progress = {
    devices: 0,
    skipped: 0,
    elsewhere: 0,
    requested: 0,
    underWay: 0,
    alreadyProvisioned: 0,
    failed: 0,
    conflicts: 0,
  };
  const uuids: string[] = [];
  const startedAt = deps.clock.now();

  async function ask(uuid: string): Promise<void> {
    // Read just before, and not from a list: what was asked for in the meantime stands, too.
    const found = move ? null : await retryWithBackoff(deps.clock, () => deps.records.read(uuid), signal);
    if (elsewhere(found?.value.desired, service) !== null) {
      progress.elsewhere += 1;
      onProgress?.(progress);
      return;
    }
    const requested = { uuid, present: true as const, service };
    const answer = await retryWithBackoff(deps.clock, () => accept(deps, requested), signal);
    uuids.push(uuid);
    if (answer.kind === 'already-provisioned') progress.alreadyProvisioned += 1;
    else if (answer.kind === 'failed') progress.failed += 1;
    else if (answer.kind === 'service-conflict') progress.conflicts += 1;
    else if (answer.record.desired.requestedAt < startedAt) progress.underWay += 1;
    else progress.requested += 1;
    onProgress?.(progress);
  }

  try {
    let batch: string[] = [];
    const work = async () => {
      await forEachConcurrently(batch, asksAtATime, ask, signal);
      batch = [];
      onProgress?.(progress);
      signal?.throwIfAborted();
    };
    for await (const { uuid, certificates } of listDevices(deps, { fleets: [fleet], signal })) {
      progress.devices += 1;
      if (onlyMissing && certificates.size > 0) progress.skipped += 1;
      else batch.push(uuid);
      if (batch.length >= devicesAtATime) await work();
    }
    await work();
  } catch (error) {
    if (!signal?.aborted) throw error;
    return { ...progress, uuids, finished: false };
  }
  return { ...progress, uuids, finished: true };
}

/** A page of the fleet: so many are in memory with their certificates. */
const devicesAtATime = 1_000;
