import { type AcceptTools, accept } from '../accept.js';
import type { ListedDevice } from '../edges/balena/fleetPage.js';
import type { Place } from '../record/DeviceRecord.js';
import { devicesOf, type ListingTools } from './devicesOf.js';
import { inParallel } from './inParallel.js';
import { patiently } from './patiently.js';

export type AskTools = AcceptTools & ListingTools;

export interface FleetAsk {
  /** Slug. */
  fleet: string;
  /** Where the credentials belong; '' for the device level. */
  service: Place;
  /** Leave out devices that hold credentials, wherever they stand. */
  onlyMissing?: boolean;
  /** Ends it, cleanly: what was accepted stays, and to ask again goes on. */
  signal?: AbortSignal;
  onProgress?(progress: AskProgress): void;
}

export interface AskProgress {
  /** Devices of the fleet that were looked at. */
  devices: number;
  /** Left out, because they hold credentials. */
  skipped: number;
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

/** The devices of a fleet that `askFleet` would ask for; it does nothing. */
export async function* planFleet(
  tools: ListingTools,
  { fleet, onlyMissing = false, signal }: Pick<FleetAsk, 'fleet' | 'onlyMissing' | 'signal'>,
): AsyncGenerator<ListedDevice> {
  for await (const device of devicesOf(tools, { fleets: [fleet], signal }))
    if (!onlyMissing || device.certificates.size === 0) yield device;
}

/**
 * Asks for every device of a fleet. To ask again costs a read for each that was asked for before, so that one that was interrupted
 * is simply run again.
 *
 * @throws ProvisioningError `balena-…`, `records-unavailable`, `queue-unavailable`, after some patience
 */
export async function askFleet(tools: AskTools, options: FleetAsk): Promise<AskReport> {
  const { fleet, service, onlyMissing = false, signal, onProgress } = options;
  const progress = {
    devices: 0,
    skipped: 0,
    asked: 0,
    underWay: 0,
    alreadyProvisioned: 0,
    failed: 0,
    conflicts: 0,
  };
  const uuids: string[] = [];
  const startedAt = tools.clock.now();

  async function ask(uuid: string): Promise<void> {
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
