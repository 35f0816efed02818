import type { DeviceRecord } from '../../../src/device/record.js';
import { requestPartOf } from '../../../src/device/refusal.js';
import type { DeviceRequest } from '../../../src/device/request.js';
import { restoredFromMessage } from '../../../src/device/transitions.js';
import { accept } from '../../../src/provisioning/accept.js';
import { type ProvisioningMessage, parseMessage } from '../../../src/queue/messages.js';
import { acceptDependencies } from '../../support/acceptTools.js';
import { failed, now, provisioned, queued, uuid } from '../../support/records.js';

/*
 * DEVICE_PROOF=accepted: the device proves its identity, and another caller with the fleet's key does not.
 */

const at = (service: string): DeviceRequest => ({ uuid, present: true, service });
const provedBy = (record: DeviceRecord): DeviceRecord => ({
  ...record,
  desired: { ...record.desired, proved: true },
});

async function requested(record: DeviceRecord | null, request: DeviceRequest, isProved?: boolean) {
  const system = acceptDependencies(now);
  if (record) await system.put(record);
  const { kind } = await accept(system.deps, request, isProved);
  return { kind, sent: system.sent, desired: (await system.record(uuid)).desired };
}

describe('requests without a proof do not delay a device that proves its identity', () => {
  const moved = { ...provisioned, desired: { ...provisioned.desired, service: 'x', movedAt: now } };
  const invented = { ...queued.desired, service: 'y' };
  const mistaken: DeviceRecord = {
    ...queued,
    refusal: {
      ...requestPartOf(queued),
      desired: invented,
      job: { generation: 1, due: 0, dead: { at: now } },
    },
  };
  const failedNow = { ...failed, coolDownUntil: now + 60_000 };

  test.each([
    ['a change of service a moment ago', moved, at('main'), 'service-conflict'],
    ['a mistake a moment ago', mistaken, at('other'), 'service-conflict'],
    ['the cool-down of a request', failedNow, at(failed.desired.service ?? ''), 'failed'],
  ])('%s', async (_, record, request, kind) => {
    expect((await requested(record, request, false)).kind).toBe(kind);
    expect((await requested(record, request)).kind).toBe(kind);
    expect(await requested(record, request, true)).toMatchObject({
      kind: 'accepted',
      desired: { proved: true },
    });
    expect((await requested(provedBy(record), request, true)).kind).toBe(kind);
  });
});

test('the first proof ends the waits that others have caused: the next change of service, and a long cool-down', async () => {
  const moved = { ...provisioned, desired: { ...provisioned.desired, service: 'x', movedAt: now } };
  const system = acceptDependencies(now);
  await system.put({ ...moved, failures: 5 });
  await accept(system.deps, at('x'), true);
  const { desired, failures } = await system.record(uuid);
  expect({ movedAt: desired.movedAt, failures }).toEqual({ movedAt: undefined, failures: 0 });
  expect((await accept(system.deps, at('main'), true)).kind).toBe('accepted');
  // The waits of later requests have a cause in requests of the device.
  const later = acceptDependencies(now);
  await later.put(provedBy({ ...moved, failures: 5 }));
  expect((await accept(later.deps, at('main'), true)).kind).toBe('service-conflict');
});

describe('what a device has requested with a proof', () => {
  test('is changed by no request without a proof', async () => {
    for (const record of [provedBy(queued), provedBy(provisioned)]) {
      expect(await requested(record, at('other'), false)).toMatchObject({ kind: 'unproved', sent: [] });
      expect((await requested(record, at('main'), false)).kind).not.toBe('unproved');
    }
  });

  test('is changed by the device, and by callers with a key of their own', async () => {
    for (const isProved of [true, undefined])
      expect(await requested(provedBy(queued), at('other'), isProved)).toMatchObject({
        kind: 'accepted',
        desired: { service: 'other', proved: true },
      });
  });

  test('is changed by a webhook, except an own key', async () => {
    const webhook = { ...at('other'), announced: true } as const;
    expect(await requested(provedBy(queued), webhook, false)).toMatchObject({
      kind: 'accepted',
      desired: { service: 'other', proved: true },
    });
    const dates = { notBefore: now, notAfter: now + 86_400_000, keyAlgorithm: 'ec-p256' };
    const own = { key: 'A'.repeat(64), thumbprint: 'B'.repeat(64), before: null, ...dates };
    const withOwnKey = { ...queued, desired: { ...queued.desired, own } };
    expect((await requested(withOwnKey, webhook, false)).kind).toBe('unproved');
  });

  test('may come back: a request of an operator keeps the proof necessary', async () => {
    const waiting = { ...queued, fallback: requestPartOf(provedBy(provisioned)) };
    expect((await requested(waiting, at('other'), false)).kind).toBe('unproved');
  });

  test('needs the proof after the loss of the record, too, while its message is under way', async () => {
    const system = acceptDependencies(now);
    await accept(system.deps, at('main'), true);
    const [message] = system.sent;
    const restored = restoredFromMessage(message as ProvisioningMessage, { now });
    expect((await requested(restored, at('other'), false)).kind).toBe('unproved');
    expect(parseMessage(JSON.parse(JSON.stringify(message)))).toMatchObject({ proved: true });
  });

  test('ends with a DELETE', async () => {
    const { desired } = await requested(provedBy(provisioned), { uuid, present: false });
    expect(desired.proved).toBeUndefined();
  });
});

test('the first proof is a new request once, so that a later request without a proof does not replace it', async () => {
  const first = await requested(queued, at('main'), true);
  expect(first).toMatchObject({ kind: 'accepted', desired: { proved: true } });
  expect(first.desired.requestId).not.toBe(queued.desired.requestId);
  const second = await requested(provedBy(queued), at('main'), true);
  expect(second.desired.requestId).toBe(queued.desired.requestId);
});
