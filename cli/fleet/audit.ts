import { mostUuids } from '../../src/balena/listing.js';
import type { Records } from '../../src/device/repository.js';
import { isPending } from '../../src/device/state.js';
import { type ListingDependencies, listDevices } from '../../src/fleet/list.js';
import { mergeJoin } from '../../src/fleet/mergeJoin.js';
import { retryWithBackoff } from '../../src/shared/retry.js';
import { uuid as uuidForm } from '../../src/shared/schemas.js';
import { type ComparedDevice, type CompareRules, compare } from './compare.js';
import { type Finding, type FindingKind, findingKinds } from './finding.js';
import { type IdentityDependencies, readIdentities } from './readIdentities.js';

export interface AuditDependencies extends ListingDependencies, IdentityDependencies {
  records: Records;
}

export interface AuditOptions extends CompareRules {
  /** Slugs of the fleets that are served; null: all that the key sees. */
  fleets: readonly string[] | null;
  /**
   * How long before the hub was read a record must have been left alone, ms; default: ten minutes. What the hub's queries show is some
   * minutes old.
   */
  settleMs?: number;
  signal?: AbortSignal;
  onProgress?(progress: AuditProgress): void;
}

export interface AuditProgress {
  identities: number;
  devices: number;
  records: number;
  findings: Record<FindingKind, number>;
  /** Not judged: something is under way, or was until a moment ago. */
  unsettled: number;
  /** Not judged: in a fleet that is not served. */
  elsewhere: number;
  /** Identities whose name is no balena UUID: someone else's. */
  foreign: number;
}

const minutes = 60_000;
const progressEvery = 500;

/**
 * Compares hub, records and balena, and lists every disagreement. It changes nothing; see `repair`.
 *
 * The hub is read first and kept in memory; devices and records are read side by side, a page at a time. The three are not of one
 * moment: before something is called a finding its record is read again, and what is under way, or was changed since shortly before
 * the hub was read, is left for another time; that a device is gone is asked of balena once more.
 *
 * @throws ProvisioningError `hub-…`, `balena-…`, `records-unavailable`; the signal's reason
 */
export async function* audit(deps: AuditDependencies, options: AuditOptions): AsyncGenerator<Finding> {
  const { fleets, settleMs = 10 * minutes, signal, onProgress } = options;
  const { clock, records } = deps;
  const progress = nothing();
  const settledBefore = clock.now() - settleMs;
  const identities = await readIdentities(deps, {
    signal,
    onPage(count) {
      progress.identities = count;
      onProgress?.(progress);
    },
  });

  /** Devices that the lists do not show, until there are enough to ask balena about. */
  let missing: Judged[] = [];

  async function* judge(sides: ComparedDevice): AsyncGenerator<Finding> {
    const findings = compare(sides, options, clock.now());
    if (findings.length === 0) return;
    const job = sides.record?.job;
    if (job && job.deadAt === null) {
      // Under way already when it was listed: not worth a read, in a fleet of which all are.
      progress.unsettled += 1;
      return;
    }
    if (sides.device) yield* settle({ sides, findings });
    else if (missing.push({ sides, findings }) >= mostUuids) yield* judgeMissing();
  }

  /** Does balena know them all the same, in another fleet, or by now? */
  async function* judgeMissing(): AsyncGenerator<Finding> {
    const requested = missing;
    missing = [];
    const uuids = requested.map(({ sides }) => sides.uuid);
    const known = await retryWithBackoff(clock, () => deps.balena.fleetsOf(uuids), signal);
    for (const each of requested) {
      if (known.has(each.sides.uuid)) progress.elsewhere += 1;
      else yield* settle(each);
    }
  }

  async function* settle({ sides, findings }: Judged): AsyncGenerator<Finding> {
    if (!(await isSettled(deps, sides, settledBefore, signal))) {
      progress.unsettled += 1;
      return;
    }
    for (const finding of findings) {
      progress.findings[finding.kind] += 1;
      yield finding;
    }
  }

  for await (const side of mergeJoin(listDevices(deps, { fleets, signal }), records.summaries())) {
    if (side.device) progress.devices += 1;
    if (side.record) progress.records += 1;
    const accepts = identities.get(side.uuid) ?? null;
    identities.delete(side.uuid);
    yield* judge({ ...side, accepts });
    if ((progress.devices + progress.records) % progressEvery === 0) onProgress?.(progress);
  }
  for (const [uuid, accepts] of identities) {
    signal?.throwIfAborted();
    if (uuidForm.safeParse(uuid).data !== uuid) progress.foreign += 1;
    else yield* judge({ uuid, accepts, device: null, record: null });
  }
  yield* judgeMissing();
  onProgress?.(progress);
}

interface Judged {
  sides: ComparedDevice;
  findings: Finding[];
}

/** Is the device's record as it was listed, and has it been for long enough? */
async function isSettled(
  { records, clock }: AuditDependencies,
  { uuid, record }: ComparedDevice,
  before: number,
  signal?: AbortSignal,
): Promise<boolean> {
  const found = (await retryWithBackoff(clock, () => records.read(uuid), signal))?.value ?? null;
  if (!found || !record) return !found && !record;
  if (isPending(found.job) || (found.lease && clock.now() < found.lease.until)) return false;
  return found.desired.requestId === record.requestId && found.updatedAt < before;
}

function nothing(): AuditProgress {
  const findings = Object.fromEntries(findingKinds.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  return { identities: 0, devices: 0, records: 0, findings, unsettled: 0, elsewhere: 0, foreign: 0 };
}
