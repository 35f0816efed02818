import type { VariableScope } from '../device/record.js';
import { hasPendingChange, heldThumbprint } from '../device/state.js';
import { type AcceptDependencies, accept } from '../provisioning/accept.js';
import { forEachConcurrently } from '../shared/async.js';
import { retryWithBackoff } from '../shared/retry.js';
import type { EpochMs } from '../shared/time.js';
import { type ListingDependencies, listDevices } from './list.js';
import { mergeJoin } from './mergeJoin.js';

export type RequestDependencies = AcceptDependencies & ListingDependencies;

/** The devices to request, and the scope of their credentials. */
export interface FleetRequest {
  /** Slug. */
  fleet: string;
  /** The scope for the credentials: a service by name, or '' for the device level. */
  service: VariableScope;
  /** Skip devices with credentials in any scope. */
  onlyMissing?: boolean;
  /** Also request devices that have credentials, or a pending request, at another service. Their credentials move to the new service. */
  move?: boolean;
  /** Only devices with a UUID greater than this UUID. */
  after?: string;
  /** The run ends after about this number of devices. Default: all devices. */
  atMost?: number;
  /** Stops cleanly. Accepted requests remain, and a second run requests the remaining devices. */
  signal?: AbortSignal;
  onProgress?(progress: RequestProgress): void;
}

/** Numbers of devices. Every handled device is counted in `devices` and in one other field. */
export interface RequestProgress {
  /** All devices of the fleet that were read until now. */
  devices: number;
  /** Skipped because of `onlyMissing`. */
  skipped: number;
  /** Not requested, because the device has credentials or a pending request at another service, and `move` is false. */
  atOtherService: number;
  /** New requests. */
  requested: number;
  /** An earlier request is still under way. */
  underWay: number;
  alreadyProvisioned: number;
  /** An earlier request failed for good, and the cool-down has not ended. */
  failed: number;
  /** The service was changed less than ten minutes ago. */
  conflicts: number;
}

/** The result of a run. */
export interface RequestReport extends RequestProgress {
  /** All requested devices, with any result, for `followFleet`. */
  uuids: string[];
  /** False if the signal stopped the run before the end of the fleet. */
  finished: boolean;
  /** The last handled UUID, if the run ended at `atMost`; null at the end of the fleet. */
  next: string | null;
}

/** A request is a read, a write and a send. On two cores, more concurrent requests were not faster. */
const concurrentRequests = 50;

/** Devices in memory at a time, with their certificates: one page of the fleet. */
const batchSize = 1_000;

/** A device that `requestFleet` would request or leave unchanged. */
export interface PlannedRequest {
  uuid: string;
  /** The present desired service, if `requestFleet` would leave the device unchanged; null for a new request. */
  otherService: VariableScope | null;
}

/**
 * Lists the devices that `requestFleet` would handle. Nothing is changed.
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
    const place = record && {
      service: record.key === 'device' ? ownKeyPlace : record.service,
      isInUse: heldThumbprint(record) !== null || record.job?.deadAt === null,
    };
    yield { uuid, otherService: move ? null : otherServiceOf(place, service) };
  }
}

/** The place of a device with an own key, as lists name the place. No service has this name. */
const ownKeyPlace = 'its own key';

/**
 * The other service that the device keeps without `move`; null if the device is to be requested. A device whose request has failed, and that
 * holds no certificate, has nothing to lose.
 */
function otherServiceOf(
  place: { service: VariableScope | null; isInUse: boolean } | null | undefined,
  service: VariableScope,
): VariableScope | null {
  return place?.isInUse && place.service !== service ? place.service : null;
}

/**
 * Requests credentials for every device of a fleet. Devices with credentials, or with a pending request, at another service are left
 * unchanged without `move`, because a wrong service name would otherwise disconnect the whole fleet. A repeated run costs two reads for each device with an earlier request, so an
 * interrupted run can simply be started again.
 *
 * @throws ProvisioningError `balena-…`, `records-unavailable`, `queue-unavailable`, after some retries
 */
export async function requestFleet(deps: RequestDependencies, options: FleetRequest): Promise<RequestReport> {
  const {
    fleet,
    onlyMissing = false,
    after,
    atMost = Number.POSITIVE_INFINITY,
    signal,
    onProgress,
  } = options;
  const progress = emptyProgress();
  const uuids: string[] = [];
  const startedAt = deps.clock.now();
  let next: string | null = null;

  async function request(uuid: string): Promise<void> {
    const result = await requestDevice(deps, uuid, options, startedAt);
    if (result !== 'atOtherService') uuids.push(uuid);
    progress[result] += 1;
    onProgress?.(progress);
  }

  try {
    let batch: string[] = [];
    const requestBatch = async () => {
      await forEachConcurrently(batch, concurrentRequests, request, signal);
      batch = [];
      onProgress?.(progress);
      signal?.throwIfAborted();
    };
    const devices = listDevices(deps, { fleets: [fleet], signal, ...(after !== undefined && { after }) });
    for await (const { uuid, certificates } of devices) {
      progress.devices += 1;
      if (onlyMissing && certificates.size > 0) progress.skipped += 1;
      else batch.push(uuid);
      if (progress.devices >= atMost) next = uuid;
      if (next !== null) break;
      if (batch.length >= batchSize) await requestBatch();
    }
    await requestBatch();
  } catch (error) {
    if (!signal?.aborted) throw error;
    return { ...progress, uuids, finished: false, next: null };
  }
  return { ...progress, uuids, finished: true, next };
}

type RequestResult = Exclude<keyof RequestProgress, 'devices' | 'skipped'>;

/**
 * Requests credentials for one device.
 *
 * @param startedAt the start of the run: a request from before this time counts as under way
 */
async function requestDevice(
  deps: RequestDependencies,
  uuid: string,
  { service, move = false, signal }: FleetRequest,
  startedAt: EpochMs,
): Promise<RequestResult> {
  const { clock, records } = deps;
  // The record is read just before the request, because a list could miss a recent request for another service.
  const found = move ? null : await retryWithBackoff(clock, () => records.read(uuid), signal);
  const place = found && {
    service: found.value.desired.own ? ownKeyPlace : found.value.desired.service,
    isInUse: heldThumbprint(found.value.observed) !== null || hasPendingChange(found.value),
  };
  if (otherServiceOf(place, service) !== null) return 'atOtherService';
  // balena has just listed the device.
  const desired = { uuid, present: true as const, service, announced: true as const };
  const acceptance = await retryWithBackoff(clock, () => accept(deps, desired), signal);
  switch (acceptance.kind) {
    case 'already-provisioned':
    case 'checking':
      return 'alreadyProvisioned';
    case 'failed':
      return 'failed';
    case 'service-conflict':
      return 'conflicts';
    default:
      return acceptance.record.desired.requestedAt < startedAt ? 'underWay' : 'requested';
  }
}

function emptyProgress(): RequestProgress {
  return {
    devices: 0,
    skipped: 0,
    atOtherService: 0,
    requested: 0,
    underWay: 0,
    alreadyProvisioned: 0,
    failed: 0,
    conflicts: 0,
  };
}
