import type { Desired, Place } from '../../src/device/record.js';
import { devicesOf, type ListingTools } from '../../src/fleet/list.js';
import { sideBySide } from '../../src/fleet/mergeJoin.js';
import { type AcceptTools, accept } from '../../src/provisioning/accept.js';
import { inParallel } from '../../src/shared/async.js';
import { patiently } from '../../src/shared/retry.js';

export type AskTools = AcceptTools & ListingTools;

export interface FleetAsk {
  /** Slug. */
  fleet: string;
  /** Where the credentials belong; '' for the device level. */
  service: Place;
  /** Leave out devices that hold credentials, wherever they stand. */
  onlyMissing?: boolean;
  /** Ask also for devices that are wanted at another service: their credentials are taken away from there. */
  move?: boolean;
  /** Ends it, cleanly: what was accepted stays, and to ask again goes on. */
  signal?: AbortSignal;
  onProgress?(progress: AskProgress): void;
}

export interface AskProgress {
  /** Devices of the fleet that were looked at. */
  devices: number;
  /** Left out, because they hold credentials. */
  skipped: number;
  /** Not asked for, because they are wanted at another service, and are not to be moved. */
  elsewhere: number;
  /** New requests. */
  asked: number;
  /** Asked for before, and still under way. */
  underWay: number;
  alreadyProvisioned: number;
  /** Failed for good, and not taken up again yet. */
  failed: number;
  /** Their service was changed less than ten minutes ago. */
  conflicts: number;
}

export interface AskReport extends AskProgress {
  /** All that were asked for, whatever came of it: to be followed. */
  uuids: string[];
  /** False if it was ended before the end of the fleet. */
  finished: boolean;
}

/** Accepting is a read, a write and a send each: more at a time does not make it faster on two cores. */
const asksAtATime = 50;

/** A device that `askFleet` would ask for, or leave where it is. */
export interface PlannedAsk {
  uuid: string;
  /** The other service where it is wanted, and where it is left; null if it would be asked for. */
  elsewhere: Place | null;
}

/**
 * What `askFleet` would do; it does nothing.
 *
 * @throws ProvisioningError `balena-…`, `records-unavailable`; the signal's reason
 */
export async function* planFleet(
  tools: ListingTools & Pick<AskTools, 'records'>,
  { fleet, service, onlyMissing = false, move = false, signal }: Omit<FleetAsk, 'onProgress'>,
): AsyncGenerator<PlannedAsk> {
  const devices = devicesOf(tools, { fleets: [fleet], signal });
  for await (const { uuid, device, record } of sideBySide(devices, tools.records.summaries())) {
    if (!device || (onlyMissing && device.certificates.size > 0)) continue;
    const wanted = record && { present: record.operation !== 'deprovision', service: record.service };
    yield { uuid, elsewhere: move ? null : elsewhere(wanted, service) };
  }
}

/** The other service where a device is wanted; null if there is none. */
function elsewhere(
  wanted: Pick<Desired, 'present' | 'service'> | null | undefined,
  service: Place,
): Place | null {
  if (!wanted?.present || wanted.service === service) return null;
  return wanted.service;
}

/**
 * Asks for every device of a fleet, but for those that are wanted at another service: a wrong service must not cut a fleet off. To ask
 * again costs two reads for each that was asked for before, so that one that was interrupted is simply run again.
 *
 * @throws ProvisioningError `balena-…`, `records-unavailable`, `queue-unavailable`, after some patience
 */
export async function askFleet(tools: AskTools, options: FleetAsk): Promise<AskReport> {
  const { fleet, service, onlyMissing = false, move = false, signal, onProgress } = options;
  const progress = {
    devices: 0,
    skipped: 0,
    elsewhere: 0,
    asked: 0,
    underWay: 0,
    alreadyProvisioned: 0,
    failed: 0,
    conflicts: 0,
  };
  const uuids: string[] = [];
  const startedAt = tools.clock.now();

  async function ask(uuid: string): Promise<void> {
    // Read just before, and not from a list: what was asked for in the meantime stands, too.
    const found = move ? null : await patiently(tools.clock, () => tools.records.read(uuid), signal);
    if (elsewhere(found?.value.desired, service) !== null) {
      progress.elsewhere += 1;
      onProgress?.(progress);
      return;
    }
    const asked = { uuid, present: true as const, service };
    const answer = await patiently(tools.clock, () => accept(tools, asked), signal);
    uuids.push(uuid);
    if (answer.kind === 'already-provisioned') progress.alreadyProvisioned += 1;
    else if (answer.kind === 'failed') progress.failed += 1;
    else if (answer.kind === 'service-conflict') progress.conflicts += 1;
    else if (answer.record.desired.requestedAt < startedAt) progress.underWay += 1;
    else progress.asked += 1;
    onProgress?.(progress);
  }

  try {
    let batch: string[] = [];
    const work = async () => {
      await inParallel(batch, asksAtATime, ask, signal);
      batch = [];
      onProgress?.(progress);
      signal?.throwIfAborted();
    };
    for await (const { uuid, certificates } of devicesOf(tools, { fleets: [fleet], signal })) {
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
