import type { Ca } from '../../../src/certificates/ca/ca.js';
import type { DeviceRecord, KeyToSign, OwnKey } from '../../../src/device/record.js';
import { isInDesiredState } from '../../../src/device/state.js';
import { requested, restoredFromMessage, signed } from '../../../src/device/transitions.js';
import type { HubRegistry } from '../../../src/iothub/types.js';
import { processMessage } from '../../../src/provisioning/worker.js';
import { type ProvisioningMessage, parseMessage } from '../../../src/queue/messages.js';
import { ProvisioningError } from '../../../src/shared/errors.js';
import { now, queued, uuid } from '../../support/records.js';
import { workerDependencies } from '../../support/workerTools.js';

const key: KeyToSign = { thumbprint: null, key: 'K', keyAlgorithm: 'ec-p256', publicKey: 'spki' };
const own: OwnKey = { ...key, before: null };
const waiting: DeviceRecord = { ...queued, desired: { ...queued.desired, service: null, own } };

/** The CA signs certificates with the thumbprints A, B and so on. */
async function worked(
  record: DeviceRecord,
  {
    atSignature = async () => {},
    more = {},
  }: {
    atSignature?: (system: ReturnType<typeof workerDependencies>) => Promise<unknown>;
    more?: Partial<ProvisioningMessage>;
  } = {},
) {
  const system = workerDependencies(now);
  await system.put(record);
  let signatures = 0;
  const sign: Ca['sign'] = async (_uuid, { key: hash, keyAlgorithm }) => {
    system.calls.push('sign');
    const thumbprint = 'ABC'.charAt(signatures).repeat(64);
    signatures += 1;
    await atSignature(system);
    return {
      ...{ thumbprint, notBefore: now, notAfter: now + 1 },
      key: hash,
      keyAlgorithm,
      certificate: 'der',
    };
  };
  const deps = { ...system.deps, ca: { ...system.deps.ca, sign } };
  const work = (message: Partial<ProvisioningMessage> = {}) =>
    processMessage(
      deps,
      system.message({ uuid, generation: 1, service: null, ...message }),
      system.delivery(),
    );
  await work(more);
  return { ...system, work, after: await system.record(uuid) };
}

const isDone = { job: null, desired: { own: { thumbprint: 'A'.repeat(64), certificate: 'der' } } };

test('a fresh device costs one look-up, one signature and one registry operation', async () => {
  const { calls, after } = await worked(waiting);
  expect(calls).toEqual(['find', 'sign', 'used', 'hub create']);
  expect(after).toMatchObject({ ...isDone, error: null });
});

describe('a message from before the signature, after the loss of the record,', () => {
  const used = 'F'.repeat(64);
  const message = {
    ...{ uuid, requestId: queued.desired.requestId, generation: 1 },
    ...{ operation: 'provision' as const, service: null, own },
  };
  const atHub = async (record: DeviceRecord, pair: [string, string]) => {
    const system = workerDependencies(now);
    await system.put(record);
    let accepted: readonly string[] = pair;
    let signatures = 0;
    const hub: HubRegistry = {
      ...system.deps.hub,
      get: async () => ({
        thumbprints: [...pair],
        isDisabled: false,
        version: { etag: '1', properties: null },
      }),
      update: async (_uuid, thumbprints) => {
        accepted = thumbprints;
        return { etag: '2', properties: null };
      },
    };
    const sign: Ca['sign'] = async (_uuid, { key: hash, keyAlgorithm }) => {
      signatures += 1;
      // The CA is away at first: the next run knows the hub from this run.
      if (signatures === 1) throw new ProvisioningError('ca-unavailable', 'Away.', { step: 'sign' });
      const dates = { notBefore: now, notAfter: now + 1 };
      return { thumbprint: 'A'.repeat(64), ...dates, key: hash, keyAlgorithm, certificate: 'der' };
    };
    const deps = { ...system.deps, hub, ca: { ...system.deps.ca, sign } };
    for (let runs = 0; runs < 2; runs += 1) {
      const { lastGeneration: generation } = await system.record(uuid);
      await processMessage(deps, system.message({ uuid, service: null, generation }), system.delivery());
    }
    return { accepted, after: await system.record(uuid) };
  };

  test('leaves the device the certificate that it uses', async () => {
    const { accepted, after } = await atHub(restoredFromMessage(message, { now }), [used, 'E'.repeat(64)]);
    expect(accepted).toEqual(['A'.repeat(64), used]);
    expect(after.desired.own).toMatchObject({ thumbprint: 'A'.repeat(64), before: used });
    expect(isInDesiredState(after)).toBe(true);
  });

  test.each([
    ['that is revoked', { revoke: [used] }],
    ['whose key may be revoked', { revoke: ['B'.repeat(64)], revokedKeys: ['another'] }],
  ])('leaves no certificate %s', async (_, lists) => {
    const { accepted } = await atHub(restoredFromMessage({ ...message, ...lists }, { now }), [used, used]);
    expect(accepted).toEqual(['A'.repeat(64), 'A'.repeat(64)]);
  });

  test('leaves the issued certificate in balena beside, and not as an own one', async () => {
    const restored = restoredFromMessage(message, { now });
    const issued = { thumbprint: used, until: now + 9 };
    const { after } = await atHub({ ...restored, observed: { ...restored.observed, issued } }, [used, used]);
    expect(after.desired.own).toMatchObject({ before: null });
    expect(after.observed).toMatchObject({ issued: { thumbprint: used } });
  });
});

test('a certificate that the record has is not signed again after a failure of the hub', async () => {
  const { calls, after, work, sent } = await worked(waiting, {
    atSignature: async ({ fails }) =>
      fails.set('hub create', new ProvisioningError('hub-throttled', 'Busy.', { dependency: 'hub' })),
  });
  expect(after).toMatchObject({
    job: { generation: expect.any(Number) },
    desired: { own: { certificate: 'der' } },
  });
  // The message of the next run has the certificate, in case that the record is lost.
  const next = parseMessage(JSON.parse(JSON.stringify(sent.at(-1))));
  expect(next.own).toEqual(after.desired.own);
  await work({ generation: after.lastGeneration });
  expect(calls.filter((each) => each === 'sign')).toHaveLength(1);
});

test.each(['ca-unavailable', 'ca-throttled', 'ca-unauthorized', 'ca-unusable'] as const)(
  '%s is tried again without end, and neither the line nor a circuit knows of the failure',
  async (code) => {
    const { calls, after, deps, deadLetters } = await worked(
      { ...waiting, attempts: 2 },
      {
        atSignature: async () => {
          throw new ProvisioningError(code, 'Away.', { step: 'sign' });
        },
      },
    );
    expect(calls).toEqual(['find', 'sign']);
    expect(after).toMatchObject({
      attempts: 2,
      retries: 1,
      error: { code, step: 'sign' },
      job: { generation: expect.any(Number) },
    });
    expect(deadLetters).toEqual([]);
    const circuits = await Promise.all([deps.circuits.balena.read(), deps.circuits.hub.read()]);
    expect(circuits.map(({ state }) => state)).toEqual(['closed', 'closed']);
  },
);

/** The device requests another key while the CA signs. */
const requestAnotherKey = ({ deps }: ReturnType<typeof workerDependencies>) =>
  deps.records.amend(uuid, (found) => {
    const request = { uuid, present: true, service: null, own: { ...key, key: 'another' } } as const;
    return found && requested(found, { now }, request, 'r2');
  });

test('a request that replaces the request during the signature wins: the hub never hears of the certificate', async () => {
  const { calls, after } = await worked(waiting, {
    atSignature: requestAnotherKey,
  });
  expect(calls).toEqual(['find', 'sign']);
  expect(after.desired.own).toMatchObject({ key: 'another', thumbprint: null });
  expect(after).toMatchObject({ lease: null, error: null, job: { generation: expect.any(Number) } });
});

test('a run whose request was replaced during the signature leaves a revocation to the next run', async () => {
  const [A, B] = ['A'.repeat(64), 'B'.repeat(64)] as const;
  const hub: [string, string] = [A, B];
  const revoking: DeviceRecord = {
    ...waiting,
    desired: { ...waiting.desired, own: { ...own, before: A }, revoke: [B] },
    observed: { ...waiting.observed, thumbprint: A, previous: B, hub, hubEtag: 'e0' },
  };
  const { calls } = await worked(revoking, {
    atSignature: requestAnotherKey,
  });
  expect(calls).toEqual(['find', 'sign']);
});

test('a run that has lost its lease registers no certificate', async () => {
  const { calls } = await worked(waiting, {
    atSignature: ({ deps }) =>
      deps.records.amend(
        uuid,
        (found) => found && { ...found, lease: { ...found.lease!, by: 'another run' } },
      ),
  });
  expect(calls).toEqual(['find', 'sign']);
});

test('a record that is lost after the signature is made again with the certificate', async () => {
  const system = await worked(waiting, {
    atSignature: async ({ deps, table }) => {
      const { reserve } = deps.rateLimiter;
      // The wait for the registry operation comes after the certificate was written.
      deps.rateLimiter.reserve = async (...args) => {
        await table.remove({ partition: uuid.slice(0, 2), row: uuid });
        return reserve(...args);
      };
    },
  });
  expect(system.after).toMatchObject(isDone);
});

test('the message of a device without a certificate has the key', () => {
  const message = {
    ...{ v: 1, uuid, requestId: '018f0000-0000-7000-8000-000000000000', generation: 1, due: now },
    ...{ operation: 'provision', service: null, own, revokedKeys: ['K2'] },
  };
  expect(parseMessage(message)).toMatchObject({ own, revokedKeys: ['K2'] });
});

test('the certificate of the CA is written once', () => {
  const certificate = {
    ...key,
    thumbprint: 'A'.repeat(64),
    notBefore: now,
    notAfter: now,
    certificate: 'der',
  };
  const once = signed(waiting, certificate);
  expect(once && signed(once, certificate)).toBeNull();
});
