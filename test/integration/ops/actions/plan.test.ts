import type { ActionRequest } from '../../../../src/ops/bulk/plan.js';
import { requestId, start, uuidOf } from '../../../support/opsTools.js';
import { useFailedDevices } from './support/useFailedDevices.js';

const { withFailed } = await useFailedDevices();

test.each([{}, { code: 'older' }, { sequenceNumber: '12' }])(
  'of several dead letters of a device without a record only the newest is replayed, with the filter %j',
  async (filter) => {
    const { deps, deadLetter, planned } = await withFailed(0);
    const body = { v: 1, uuid: uuidOf(9), requestId, due: start, operation: 'provision', service: 'main' };
    deadLetter({ ...body, generation: 11 }, '12', { reason: 'older' });
    deadLetter({ ...body, generation: 12, operation: 'deprovision', service: null }, '13', {
      reason: 'newer',
    });
    deadLetter({ ...body, generation: 10 }, '11', { reason: 'oldest' });
    const { id, counts, note } = await planned({ filter });
    const items = await deps.actions.items(id, 0, counts.planned);
    expect(items.map(({ sequenceNumber }) => sequenceNumber)).toEqual(
      'code' in filter || 'sequenceNumber' in filter ? [] : ['13'],
    );
    expect(note).toMatch(
      /^For a device without a record only the newest dead letter is taken\. Left out: \d\.$/,
    );
    // A discard takes all dead letters.
    expect((await planned({ kind: 'discard', reason: 'scrapped' })).counts.planned).toBe(3);
  },
);

test.each([
  ['replay', { code: 'service-not-fund' }, 'ops.unknown-code', /"service-not-fund".*service-not-found/],
  ['replay', { fleet: 'my_org/tow' }, 'ops.unknown-fleet', /"my_org\/tow".*: my_org\/one\./],
  ['replay', { fleet: 'my_org/one', code: 'nonsense' }, 'ops.unknown-code', /"nonsense"/],
  ['discard', { fleet: 'my_org/tow' }, 'ops.unknown-fleet', /my_org\/one/],
  ['replay', { step: 'mnit' }, 'ops.bad-request', /"mnit".*validate/],
  ['replay', { status: 'faild' }, 'ops.bad-request', /"faild".*failed/],
  ['rotate', { fleet: 'my_org/tow' }, 'ops.unknown-fleet', /my_org\/one/],
  ['rotate', { service: 'sensro' }, 'ops.unknown-service', /"sensro".*: sensor\./],
  ['rotate', { uuid: uuidOf(0), service: 'sensro' }, 'ops.unknown-service', /"sensro"/],
] as const)('a %s of %j is refused by name, with the known names', async (kind, filter, code, message) => {
  const { deps, put, record, planned } = await withFailed(1);
  await put(0, { observed: { ...(await record(0)).observed, fleet: 'my_org/one' } });
  const request = { kind, filter, reason: 'scrapped' } as Partial<ActionRequest>;
  await expect(planned(request)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  expect(await deps.actions.list()).toEqual([]);
});

test('a plan for a known fleet without failures plans nothing', async () => {
  const { put, record, planned } = await withFailed(1);
  await put(0, { job: null, observed: { ...(await record(0)).observed, fleet: 'my_org/one' } });
  expect((await planned({ filter: { fleet: 'my_org/one' } })).counts.planned).toBe(0);
});

describe('a set of any size', () => {
  test('is kept in its order', async () => {
    const { deps, planned } = await withFailed(400);
    const { id, counts } = await planned();
    expect(counts.planned).toBe(400);
    for (const [from, to] of [
      [0, 400],
      [170, 190],
      [180, 180],
      [399, 400],
    ] as const)
      expect((await deps.actions.items(id, from, to)).map(({ uuid }) => uuid)).toEqual(
        Array.from({ length: to - from }, (_, at) => uuidOf(from + at)),
      );
  });

  // A text in a row may have 32,768 characters.
  test.each([
    ['the longest uuids', 'cloud-relay'],
    ['the longest names', 'n'.repeat(255)],
  ])('can be planned with %s', async (_, service) => {
    const { deps, planned, deadLetter } = await withFailed(0);
    const uuids = Array.from({ length: 400 }, (_, index) => index.toString(16).padStart(62, '0'));
    const rest = { v: 1, requestId, generation: 2_000_000_000, due: start, operation: 'provision', service };
    uuids.forEach((uuid, index) => {
      deadLetter({ ...rest, uuid }, String(10 ** 15 + index), { enqueuedAt: start + index });
    });
    const { id, counts } = await planned();
    expect(counts.planned).toBe(400);
    for (let from = 0; from < 400; from += 100)
      expect((await deps.actions.items(id, from, from + 100)).map(({ uuid }) => uuid)).toEqual(
        uuids.slice(from, from + 100),
      );
  });

  test('is counted by the most frequent of its fleets, and the others', async () => {
    const { planned, put } = await withFailed(0);
    const { observed } = await put(0);
    for (let index = 0; index < 300; index += 1)
      await put(index, {
        observed: { ...observed, fleet: `acme/${'f'.repeat(120)}${index < 20 ? 0 : index}` },
      });
    const byFleet = Object.entries((await planned()).byFleet);
    expect(byFleet[0]).toEqual([`acme/${'f'.repeat(120)}0`, 20]);
    expect(byFleet.at(-1)?.[0]).toBe('others');
    expect(byFleet.length).toBeLessThanOrEqual(101);
    expect(byFleet.reduce((sum, [, count]) => sum + count, 0)).toBe(300);
  });
});

test.each([
  [{ filter: { kode: 'x' } }, 'ops.bad-request', /kode/],
  [{ filter: { since: 'yesterday' } }, 'ops.bad-filter', /since/],
  [{ filter: { since: '999999999d' } }, 'ops.bad-filter', /since/],
  [{ rate: 0 }, 'ops.bad-request', /rate/],
  [{ rate: 1e-9 }, 'ops.bad-request', /rate/],
  [{ kind: 'explode' }, 'ops.bad-request', /kind/],
])('a plan with %j is rejected with the reason', async (request, code, message) => {
  const { planned } = await withFailed(0);
  const refused = planned(request as Partial<ActionRequest>);
  await expect(refused).rejects.toMatchObject({ code, status: 400, message: expect.stringMatching(message) });
});
