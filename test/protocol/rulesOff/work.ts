import type { BalenaClient, BalenaDevice } from '../../../src/balena/types.js';
import { ProvisioningError } from '../../../src/shared/errors.js';

import { act, backAgain, deprovision, provision, readOnly, rotate, seconds, toAndFro } from './acts.js';
import type { ShownRule } from './ShownRule.js';

/** @throws ProvisioningError with the statement: the call had no effect */
function takenForFailed(error: unknown): never {
  const retryAfterMs = error instanceof ProvisioningError ? error.retryAfterMs : null;
  throw new ProvisioningError(
    'hub-unavailable',
    'taken for failed (fake)',
    retryAfterMs === null ? {} : { retryAfterMs },
  );
}

/** Balena as one run imagines balena: every write that was answered with success has had its effect. */
function believed(balena: BalenaClient): BalenaClient {
  const effects: ((device: BalenaDevice) => void)[] = [];
  return {
    ...balena,
    async findDevice(uuid) {
      const device = await balena.findDevice(uuid);
      if (device) for (const effect of effects) effect(device);
      return device;
    },
    async store(scope, scopedVariables, name, value) {
      await balena.store(scope, scopedVariables, name, value);
      effects.push(({ scopes }) => {
        const variables = scopes.get(scope)?.variables;
        if (variables) variables[name] = { id: variables[name]?.id ?? 0, value };
      });
    },
    async remove(scope, variable) {
      await balena.remove(scope, variable);
      effects.push(({ scopes }) => {
        const variables = scopes.get(scope)?.variables ?? {};
        for (const name of ['AZURE_CERT', 'AZURE_PRIVATE_KEY'] as const)
          if (variables[name]?.id === variable.id) delete variables[name];
      });
    },
  };
}

export const workOff: ShownRule[] = [
  {
    rule: 'every write is conditional on what was read',
    off: {
      devices: (table) => ({
        ...table,
        put: async (key, value, _etag, columns) =>
          table.put(key, value, (await table.get(key))?.etag ?? null, columns),
      }),
    },
    seen: ['lastN fell'],
    within: 1_000,
  },
  {
    rule: 'the row of a list is written before the record that needs the row',
    off: {
      lists: (table) => ({
        ...table,
        put: async (...row) => {
          void table.put(...row).catch(() => {});
          return true;
        },
      }),
    },
    seen: ['a record is not in its list pending'],
    within: 300,
  },
  {
    rule: 'one worker at a time: a live lease is waited for',
    off: {
      onRead: (record) => {
        if (record.lease) record.lease = { ...record.lease, until: 0, unresolved: true };
      },
    },
    seen: ['a worker without the lease changed something', 'stuck'],
    histories: {
      acts: [act(0, provision), act(10 * seconds, deprovision), act(10 * seconds, provision)],
      calm: false,
      failing: 0.3,
      stalls: 0.06,
      stepMs: 500,
      workers: 3,
    },
    within: 1_000,
  },
  {
    rule: 'the places where credentials may be are recorded before they are stored',
    off: {
      onWrite: (record) => {
        record.scopes = [];
      },
    },
    seen: ['left elsewhere'],
    within: 1_000,
  },
  {
    rule: 'a hub call without an answer is not taken for one that failed',
    off: {
      hub: (hub) => ({
        ...hub,
        create: (...call) => hub.create(...call).catch(takenForFailed),
        update: (...call) => hub.update(...call).catch(takenForFailed),
        remove: (...call) => hub.remove(...call).catch(takenForFailed),
      }),
    },
    seen: ['mismatch'],
    histories: backAgain,
    within: 1_000,
  },
  {
    rule: 'a lease under which a call has no answer is left to run out',
    off: {
      onWrite: (record) => {
        if (record.lease?.unresolved) record.lease = null;
      },
    },
    seen: ['mismatch', 'identity left', 'variables left'],
    histories: backAgain,
    within: 1_000,
  },
  {
    rule: 'a run that succeeded with the repetition of a call leaves its lease to run out',
    off: {
      onWrite: (record) => {
        if (record.lease?.unresolved && record.job === null) record.lease = null;
      },
    },
    seen: ['mismatch', 'identity left', 'variables left'],
    // The last request comes before the first call of the removal can take effect late.
    histories: {
      ...backAgain,
      acts: [act(0, provision), act(120 * seconds, deprovision), act(12 * seconds, provision)],
    },
    within: 2_000,
  },
  {
    rule: 'what was done while a write of a dead worker may still take effect is checked afterwards',
    off: {
      settings: { leaseMs: 500 },
      onWrite: (record) => {
        record.late = null;
      },
    },
    on: { settings: { leaseMs: 500 } },
    seen: ['mismatch', 'identity left', 'variables left'],
    histories: { ...backAgain, acts: toAndFro, crashes: 0.03 },
    within: 2_000,
  },
  {
    rule: 'late writes are waited for as long as a call can take effect after the work limit (G)',
    off: { settings: { workLimitMs: 5 * seconds, leaseGraceMs: 0 } },
    seen: ['mismatch', 'identity left', 'variables left'],
    histories: { ...backAgain, crashes: 0.01 },
    within: 1_000,
  },
  {
    rule: 'no call starts after the end of the lease',
    off: {
      settings: {
        workLimitMs: 36_000 * seconds,
        leaseGraceMs: 120 * seconds - 36_000 * seconds,
        leaseMs: 36_000 * seconds,
      },
      // The run takes the lease for a longer one than the record says.
      onWrite: (record) => {
        const { lease } = record;
        if (lease && !lease.unresolved) record.lease = { ...lease, until: lease.lateUntil };
      },
    },
    seen: ['a worker without the lease changed something'],
    histories: { calm: false, stalls: 0.04, workers: 3 },
    within: 1_000,
  },
  {
    rule: 'the hub keeps accepting what the device holds, in its second slot',
    off: {
      hub: (hub) => ({
        ...hub,
        create: (uuid, [thumbprint], ms) => hub.create(uuid, [thumbprint, thumbprint], ms),
        update: (uuid, [thumbprint], version, ms) => hub.update(uuid, [thumbprint, thumbprint], version, ms),
      }),
    },
    seen: ['outage'],
    within: 1_000,
  },
  {
    rule: 'an identity is replaced only in the version that the record or a reading vouches for',
    off: {
      hub: (hub) => ({
        ...hub,
        update: (uuid, thumbprints, version, ms) =>
          hub.update(uuid, thumbprints, { ...version, etag: '*' }, ms),
      }),
    },
    seen: ['a disabled identity was replaced'],
    histories: {
      acts: [
        act(0, provision),
        act(120 * seconds, { kind: 'tamper', how: 'hub', scope: 'a' }),
        act(5 * seconds, rotate),
      ],
      poison: null,
    },
    within: 300,
  },
  {
    rule: 'what is retired and revoked is carried along until it is done',
    off: {
      onWrite: (record, before) => {
        if (before && before.desired.requestId !== record.desired.requestId && !record.desired.present) {
          const { retire: _, revoke: __, ...desired } = record.desired;
          record.desired = desired;
        }
      },
    },
    seen: ['not revoked'],
    histories: {
      acts: [
        act(0, provision),
        act(120 * seconds, rotate),
        act(1 * seconds, deprovision),
        act(1 * seconds, provision),
      ],
      poison: null,
    },
    within: 1_000,
  },
  {
    rule: 'a device is deprovisioned when balena shows that its variables are gone',
    off: { balena: believed },
    seen: ['variables left'],
    histories: {
      acts: [act(0, provision), act(120 * seconds, readOnly), act(1 * seconds, deprovision)],
      faultsForMs: 300 * seconds,
      poison: null,
      audit: false,
    },
    within: 300,
  },
  {
    rule: 'a rotation is done when balena shows the new pair',
    off: { balena: believed },
    seen: ['not rotated', 'mismatch'],
    histories: {
      acts: [act(0, provision), act(120 * seconds, readOnly), act(1 * seconds, { ...rotate, revoke: false })],
      faultsForMs: 300 * seconds,
      poison: null,
      audit: false,
    },
    within: 300,
  },
  {
    rule: 'a thumbprint is revoked when balena shows the new pair',
    off: { balena: believed },
    seen: ['outage'],
    histories: {
      acts: [act(0, provision), act(120 * seconds, readOnly), act(1 * seconds, rotate)],
      calm: true,
      faultsForMs: 300 * seconds,
      poison: null,
    },
    within: 300,
  },
  {
    rule: 'the timer sends what is overdue',
    off: { noTimer: true },
    seen: ['stuck', 'stuck, never acknowledged'],
    within: 1_000,
  },
  {
    rule: 'a copy of a message has an id of its own',
    off: {
      noTimer: true,
      queue: (queue) => ({
        ...queue,
        send: (message, { messageId, at }) =>
          queue.send(message, { messageId: messageId.replace(/~.*/, ''), at }),
      }),
    },
    // The timer would send the message again, ten minutes later.
    on: { noTimer: true },
    seen: ['stuck'],
    histories: { calm: true, failing: 0.3 },
    within: 1_000,
  },
  {
    rule: 'a device that kills its worker is given up after MAX_ATTEMPTS',
    off: { settings: { maxAttempts: 1_000_000 } },
    seen: ['stuck'],
    histories: { acts: [act(0, provision)], poison: 0, maxAttempts: 3 },
    within: 5,
  },
];
