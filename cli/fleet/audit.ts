import { mostUuids } from '../../src/balena/listing.js';
import type { Records } from '../../src/device/repository.js';
import { isBeingHandled, summarize } from '../../src/device/summary.js';
import { type ListingDependencies, listDevices } from '../../src/fleet/list.js';
import { mergeJoin } from '../../src/fleet/mergeJoin.js';
import { retryWithBackoff } from '../../src/shared/retry.js';
import { uuid as uuidForm } from '../../src/shared/schemas.js';
import type { EpochMs } from '../../src/shared/time.js';
import { compare } from './compare.js';
import {
  type ComparedDevice,
  type CompareRules,
  type Finding,
  type FindingKind,
  findingKinds,
} from './finding.js';
import { type IdentityDependencies, readIdentities } from './readIdentities.js';

/** Everything that an audit uses. */
export interface AuditDependencies extends ListingDependencies, IdentityDependencies {
  records: Records;
}

/** The options of an audit. */
export interface AuditOptions extends CompareRules {
  /** The slugs of the fleets to compare; null for all fleets of the key. */
  fleets: readonly string[] | null;
  /**
   * A record must be unchanged since this time before the start of the audit, ms; default: ten minutes. Queries of the hub may show data from
   * some minutes ago.
   */
  settleMs?: number;
  signal?: AbortSignal;
  onProgress?(progress: AuditProgress): void;
}

/** The numbers so far. */
export interface AuditProgress {
  identities: number;
  devices: number;
  records: number;
  findings: Record<FindingKind, number>;
  /** Devices without a judgement, because work is pending or the record was changed recently. */
  unsettled: number;
  /** Devices without a judgement, because the fleet is not in `fleets`. */
  inOtherFleet: number;
  /** Identities without a judgement, because the name is not a balena UUID. */
  foreignIdentities: number;
}

const minutes = 60_000;
const progressEvery = 500;

/**
 * Compares IoT Hub, records and balena, and yields every disagreement. Nothing is changed; see `repair`.
 *
 * The identities of the hub are read first and kept in memory. Devices and records are then read in the order of their UUIDs, a page at a time.
 * The three sources are read at different times, so each disagreement is checked again before the audit yields a finding: the record is read
 * again, and balena is queried again about missing devices. Devices with pending work or a recent change are not judged.
 *
 * @throws ProvisioningError `hub-…`, `balena-…`, `records-unavailable`; the signal's reason
 */
export async function* audit(deps: AuditDependencies, options: AuditOptions): AsyncGenerator<Finding> {
  const { fleets, settleMs = 10 * minutes, signal, onProgress } = options;
  const { clock, records } = deps;
  const progress = emptyProgress();
  const settledBefore = clock.now() - settleMs;
  const identities = await readIdentities(deps, {
    signal,
    onPage(count) {
      progress.identities = count;
      onProgress?.(progress);
    },
  });

  /** Disagreements about devices outside balena's list, until there are enough for one query. */
  let missing: Disagreement[] = [];

  async function* judge(sources: ComparedDevice): AsyncGenerator<Finding> {
    const findings = compare(sources, options, clock.now());
    if (findings.length === 0) return;
    if (sources.record && isBeingHandled(sources.record, clock.now())) {
      // The summary shows pending work, so the record need not be read. In a busy fleet this saves a read for every device.
      progress.unsettled += 1;
      return;
    }
    if (sources.device) yield* confirm({ sources, findings });
    else if (missing.push({ sources, findings }) >= mostUuids) yield* judgeMissing();
  }

  /** A device outside the list may be in another fleet, or may be new. One query of balena decides for all of them. */
  async function* judgeMissing(): AsyncGenerator<Finding> {
    const batch = missing;
    missing = [];
    const uuids = batch.map(({ sources }) => sources.uuid);
    const known = await retryWithBackoff(clock, () => deps.balena.fleetsOf(uuids), signal);
    for (const each of batch) {
      if (known.has(each.sources.uuid)) progress.inOtherFleet += 1;
      else yield* confirm(each);
    }
  }

  async function* confirm({ sources, findings }: Disagreement): AsyncGenerator<Finding> {
    if (!(await isSettled(deps, sources, settledBefore, signal))) {
      progress.unsettled += 1;
      return;
    }
    for (const finding of findings) {
      progress.findings[finding.kind] += 1;
      yield finding;
    }
  }

  for await (const joined of mergeJoin(listDevices(deps, { fleets, signal }), records.summaries())) {
    if (joined.device) progress.devices += 1;
    if (joined.record) progress.records += 1;
    const accepts = identities.get(joined.uuid) ?? null;
    identities.delete(joined.uuid);
    yield* judge({ ...joined, accepts });
    if ((progress.devices + progress.records) % progressEvery === 0) onProgress?.(progress);
  }
  for (const [uuid, accepts] of identities) {
    signal?.throwIfAborted();
    if (uuidForm.safeParse(uuid).data !== uuid) progress.foreignIdentities += 1;
    else yield* judge({ uuid, accepts, device: null, record: null });
  }
  yield* judgeMissing();
  onProgress?.(progress);
}

/** The findings of one device, before the second check. */
interface Disagreement {
  sources: ComparedDevice;
  findings: Finding[];
}

/**
 * True if the record is the same as in the list, has no pending work and no lease, and was last changed before `before`.
 * A device without a record must still have none.
 */
async function isSettled(
  { records, clock }: AuditDependencies,
  { uuid, record }: ComparedDevice,
  before: EpochMs,
  signal?: AbortSignal,
): Promise<boolean> {
  const found = (await retryWithBackoff(clock, () => records.read(uuid), signal))?.value ?? null;
  if (!found || !record) return !found && !record;
  if (isBeingHandled(summarize(found), clock.now()) || (found.lease && clock.now() < found.lease.until))
    return false;
  return found.desired.requestId === record.requestId && found.updatedAt < before;
}

function emptyProgress(): AuditProgress {
  const findings = Object.fromEntries(findingKinds.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  return {
    identities: 0,
    devices: 0,
    records: 0,
    findings,
    unsettled: 0,
    inOtherFleet: 0,
    foreignIdentities: 0,
  };
}
