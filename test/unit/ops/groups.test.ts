import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectFolder } from '../../../local/stack/projectFolder.js';
import { indexEntryOf } from '../../../src/device/indexEntry.js';
import type { DeviceRecord } from '../../../src/device/record.js';
import type { Records } from '../../../src/device/repository.js';
import { type Summary, summarize } from '../../../src/device/summary.js';
import { readActivity } from '../../../src/ops/activity/read.js';
import type { Actions } from '../../../src/ops/bulk/repository.js';
import { listExpiring } from '../../../src/ops/certificates/expiring.js';
import type { DeadLetterEntry } from '../../../src/ops/deadLetters/snapshot.js';
import { DeviceIndex } from '../../../src/ops/devices/DeviceIndex.js';
import { groupFailures } from '../../../src/ops/failures/group.js';
import { runbookSections } from '../../../src/ops/failures/runbook.js';
import { listFleets } from '../../../src/ops/fleets/progress.js';
import { failed, now, provisioned, queued } from '../../support/records.js';

const minutes = 60_000;
const day = 86_400_000;
const uuidOf = (index: number) => index.toString(16).padStart(4, '0').padEnd(32, 'a');
const iso = (at: number) => new Date(at).toISOString();

function summaryOf(index: number, record: DeviceRecord, fleet: string | null = 'acme/pumps'): Summary {
  return summarize({ ...record, uuid: uuidOf(index), observed: { ...record.observed, fleet } });
}

function deadLetterOf(index: number, more: Partial<DeadLetterEntry> = {}): DeadLetterEntry {
  return {
    ...{
      status: 'failed',
      uuid: uuidOf(index),
      requestId: null,
      sequenceNumber: null,
      operation: 'provision',
    },
    ...{ service: 'main', fleet: 'acme/pumps', code: 'device-not-found', step: 'validate' },
    ...{ message: 'balena knows no such device.', attempts: 0, replays: 0, superseded: false },
    ...{ firstSeenAt: null, failedAt: iso(now), generation: 1, retirement: {}, ...more },
  };
}

function depsOf(summaries: Summary[], deadLetters: DeadLetterEntry[] = []) {
  const devices = new DeviceIndex();
  const entries = summaries.map(indexEntryOf);
  for (const entry of entries) devices.put(entry);
  return {
    deviceSnapshots: { read: async () => ({ devices, asOf: now }) },
    listedSnapshots: { read: async () => ({ devices: entries, expiries: [], asOf: now }) },
    deadLetterSnapshots: { read: async () => ({ deadLetters, incomplete: null, asOf: now }) },
    records: {
      summariesOf: async (uuids: Iterable<string>) => {
        const wanted = [...uuids];
        return summaries.filter(({ uuid }) => wanted.includes(uuid));
      },
      listedEntries: async () => entries,
    } as unknown as Records,
    actions: { list: async () => [] as object[] } as unknown as Actions,
    clock: { now: () => now, sleep: async () => {} },
  };
}

const retrying: DeviceRecord = {
  ...queued,
  error: { ...failed.error!, code: 'hub-throttled', step: 'register' },
};
const checkFailed: DeviceRecord = {
  ...provisioned,
  error: { ...failed.error!, code: 'balena-write-refused', step: 'store' },
};
const expiring = (at: number): DeviceRecord => ({
  ...provisioned,
  observed: { ...provisioned.observed, notAfter: at },
});

describe('failures in groups', () => {
  test('120 devices with one cause are one group, with the time since when, the services and the advice', async () => {
    const all = Array.from({ length: 120 }, (_, index) => index);
    const deps = depsOf(
      all.map((index) => summaryOf(index, failed)),
      all.map((index) => deadLetterOf(index, { failedAt: iso(now - index * 1_000), service: 'telemetry' })),
    );
    const { groups, total } = await groupFailures(deps);
    expect(total).toBe(1);
    expect(groups).toMatchObject([
      {
        ...{ code: 'device-not-found', step: 'validate', fleet: 'acme/pumps', failed: 120, deadLetters: 120 },
        ...{ since: iso(now - 119_000), latest: iso(now), services: ['telemetry'], retrying: 0 },
        message: 'balena knows no such device.',
        advice: expect.stringContaining('Check that the UUID is the full one'),
      },
    ]);
  });

  test('each fleet has a group of its own, the largest first; retries and failed checks are failures, too', async () => {
    const deps = depsOf(
      [
        summaryOf(1, failed),
        summaryOf(2, retrying, 'acme/gateways'),
        summaryOf(3, retrying, 'acme/gateways'),
        summaryOf(4, checkFailed),
        summaryOf(5, provisioned),
      ],
      [deadLetterOf(1), deadLetterOf(9, { status: 'discarded' }), deadLetterOf(8, { status: 'superseded' })],
    );
    const { groups } = await groupFailures(deps);
    expect(
      groups.map(({ code, fleet, failed: dead, retrying: again, checksFailed }) => [
        ...[code, fleet, dead, again, checksFailed],
      ]),
    ).toEqual([
      ['hub-throttled', 'acme/gateways', 0, 2, 0],
      ...[
        ['balena-write-refused', 'acme/pumps', 0, 0, 1],
        ['device-not-found', 'acme/pumps', 1, 0, 0],
      ],
    ]);
    expect(groups[0]).toMatchObject({ since: iso(queued.desired.requestedAt), latest: null, message: null });
    expect(groups[1]?.runbook).toBe('requests-fail-with-balena-write-refused');
  });

  test('an unknown device has no dead letter, and is counted as a failure', async () => {
    const { groups } = await groupFailures(depsOf([summaryOf(1, failed, null)]));
    expect(groups).toMatchObject([{ fleet: null, failed: 1, deadLetters: 0 }]);
  });

  test('the advice has the fleet of the group; for an unknown fleet it names the fleets that exist', async () => {
    const { groups } = await groupFailures(
      depsOf([summaryOf(1, failed, null), summaryOf(2, failed, 'acme/gateways'), summaryOf(3, failed)]),
    );
    const advice = new Map(groups.map((group) => [group.fleet, group.advice]));
    expect(advice.get('acme/gateways')).toContain('--fleet acme/gateways --reason deleted');
    expect(advice.get('acme/gateways')).not.toContain('<slug>');
    expect(advice.get(null)).toMatch(
      /`<slug>` stands for the fleet\. Fleets with records: acme\/gateways, acme\/pumps\.$/,
    );
  });

  test('a discarded request is no failure', async () => {
    const by = { at: now, by: 'Ada', reason: 'scrapped' };
    const discarded = { ...failed, job: { generation: 1, due: now, dead: { at: now, discarded: by } } };
    expect((await groupFailures(depsOf([summaryOf(1, discarded)]))).groups).toEqual([]);
  });

  test('each section that a cause names is in the runbook', async () => {
    const text = await readFile(join(projectFolder(), 'docs/runbook.md'), 'utf8');
    const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, head = '']) =>
      head
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .trim()
        .replace(/\s/g, '-'),
    );
    for (const section of runbookSections) expect(anchors).toContain(section);
  });
});

test('the progress of each fleet: done, pending, failed, failed checks, expiring', async () => {
  const deps = depsOf([
    summaryOf(1, { ...provisioned, completedAt: now - minutes }),
    summaryOf(2, queued),
    summaryOf(3, failed),
    summaryOf(4, checkFailed),
    summaryOf(5, expiring(now + 400 * day), 'acme/gateways'),
    summaryOf(6, failed, null),
  ]);
  const { fleets } = await listFleets(deps);
  expect(fleets.map(({ fleet }) => fleet)).toEqual(['acme/pumps', null, 'acme/gateways']);
  expect(fleets[0]).toEqual({
    ...{ fleet: 'acme/pumps', devices: 4, done: 2, pending: 1, failed: 1, checksFailed: 1, expiring: 2 },
    states: { provisioned: 2, queued: 1, failed: 1 },
    lastDoneAt: iso(now - minutes),
  });
  expect(fleets[2]).toMatchObject({ devices: 1, done: 1, expiring: 0 });
});

describe('certificates that expire soon', () => {
  const deps = depsOf([
    summaryOf(1, expiring(now + 20 * day)),
    summaryOf(2, expiring(now - day)),
    summaryOf(3, expiring(now + 5 * day), 'acme/gateways'),
    summaryOf(4, expiring(now + 31 * day)),
    summaryOf(5, queued),
  ]);

  test('come in the order of the expiry, an expired certificate first', async () => {
    const page = await listExpiring(deps);
    expect(page.records.map(({ uuid }) => uuid)).toEqual([2, 3, 1].map(uuidOf));
    expect(page).toMatchObject({
      total: 3,
      expired: 1,
      byFleet: { 'acme/pumps': 2, 'acme/gateways': 1 },
      next: null,
    });
  });

  test('can be filtered by time and fleet, and come page by page', async () => {
    expect((await listExpiring(deps, { within: '7d' })).records).toHaveLength(2);
    expect((await listExpiring(deps, { within: '12h' })).records.map(({ uuid }) => uuid)).toEqual([
      uuidOf(2),
    ]);
    expect((await listExpiring(deps, { fleet: 'acme/gateways' })).total).toBe(1);
    const first = await listExpiring(deps, { limit: 2 });
    expect(first.records.map(({ uuid }) => uuid)).toEqual([2, 3].map(uuidOf));
    const { records, next } = await listExpiring(deps, { limit: 2, cursor: first.next ?? '' });
    expect([records.map(({ uuid }) => uuid), next]).toEqual([[uuidOf(1)], null]);
  });

  test.each(['30', '0d', '30w', '-1d', 'soon'])('the time %s is refused', async (within) => {
    await expect(listExpiring(deps, { within })).rejects.toMatchObject({ code: 'ops.bad-filter' });
  });

  test('an unknown fleet is refused by name', async () => {
    await expect(listExpiring(deps, { fleet: 'acme/pumsp' })).rejects.toMatchObject({
      code: 'ops.unknown-fleet',
    });
  });
});

describe('what happens now', () => {
  test('the newest first: requests, finished and failed devices; nothing older than 15 minutes', async () => {
    const at = (requestedAt: number, record: DeviceRecord) => ({
      ...record,
      desired: { ...record.desired, requestedAt },
    });
    const deps = depsOf(
      [
        summaryOf(1, at(now - 3 * minutes, { ...provisioned, completedAt: now - 2 * minutes })),
        summaryOf(2, at(now - minutes, queued)),
        summaryOf(3, at(now - 20 * minutes, { ...provisioned, completedAt: now - 16 * minutes })),
      ],
      [
        deadLetterOf(4, { failedAt: iso(now - 30_000) }),
        deadLetterOf(5, { failedAt: iso(now - 16 * minutes) }),
      ],
    );
    const { events, more } = await readActivity(deps);
    expect(events.map(({ type, uuid }) => [type, uuid])).toEqual([
      ['failed', uuidOf(4)],
      ['requested', uuidOf(2)],
      ['provisioned', uuidOf(1)],
      ['requested', uuidOf(1)],
    ]);
    expect(more).toBe(false);
  });

  test('of many events, the newest hundred', async () => {
    const at = (index: number) => ({ ...queued, desired: { ...queued.desired, requestedAt: now - index } });
    const { events, more } = await readActivity(
      depsOf(Array.from({ length: 1_000 }, (_, index) => summaryOf(index, at(999 - index)))),
    );
    expect([events.length, more]).toEqual([100, true]);
    expect(events.map(({ at: when }) => when)).toEqual(
      Array.from({ length: 100 }, (_, index) => iso(now - index)),
    );
  });
});
