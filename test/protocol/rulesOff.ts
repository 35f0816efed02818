import type { BalenaClient, BalenaDevice } from '../../src/balena/types.js';
import { accept } from '../../src/provisioning/accept.js';
import { ProvisioningError } from '../../src/shared/errors.js';
import { pairOf } from './support/certificates.js';
import type { RuleOff } from './support/RuleOff.js';
import type { Act, Scenario } from './support/Scenario.js';

export interface ShownRule {
  /** The rule, and the way to switch the rule off. */
  rule: string;
  off: RuleOff;
  /** The system to compare with; default: the whole protocol. */
  on?: RuleOff;
  /** The violations that appear without the rule. */
  seen: string[];
  /** The common part of the histories; the rest is random. With the rule on, histories with a violation show none. */
  histories?: Partial<Scenario>;
  /** The most histories to search: several times as many as necessary. */
  within: number;
}

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

const seconds = 1_000;
const provision = { kind: 'provision', scope: 'a' } as const;
const moveTo = (scope: string) => ({ kind: 'provision', scope }) as const;
const deprovision = { kind: 'deprovision' } as const;
const check = { kind: 'check', forceVerify: false } as const;
const identityLeft = 'a check has looked, and the identity of the deleted device is left';
const rotate = { kind: 'rotate', revoke: true } as const;
const readOnly = { kind: 'right', mayWrite: false } as const;
const own = { kind: 'own', fresh: false, uses: false } as const;
const calmly = { calm: true, poison: null, late: null, sick: null, audit: false } satisfies Partial<Scenario>;
const act = (afterMs: number, what: Act['what']): Act => ({ device: 0, afterMs, what });

/** One device is provisioned, deprovisioned and provisioned again, while many calls fail. No audit follows. */
const backAgain: Partial<Scenario> = {
  acts: [act(0, provision), act(120 * seconds, deprovision), act(25 * seconds, provision)],
  calm: false,
  crashes: 0,
  stalls: 0,
  failing: 4,
  stepMs: 50,
  poison: null,
  audit: false,
  maxAttempts: 10,
};

/** The requests follow each other within seconds, so that the next run begins soon after the death of a worker. */
const toAndFro = [0, 8, 8, 8, 8, 8].map((after, i) =>
  act(after * seconds, i % 2 === 0 ? provision : deprovision),
);

export const rulesOff: ShownRule[] = [
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
  {
    rule: 'a DELETE that is answered with 202 is carried out',
    off: {
      async accept(deps, requested) {
        const found = requested.present ? null : await deps.records.read(requested.uuid);
        return found ? { kind: 'accepted', record: found.value } : accept(deps, requested);
      },
    },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, provision), act(120 * seconds, deprovision)] },
    within: 100,
  },
  {
    rule: 'the later of two requests wins',
    off: {
      onWrite(record, before) {
        const { desired } = record;
        if (!before?.job || before.job.dead || before.desired.requestId === desired.requestId) return;
        record.desired = { ...before.desired, requestId: desired.requestId };
      },
    },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, provision), act(3 * seconds, deprovision)] },
    within: 300,
  },
  {
    rule: 'a rotation changes neither presence nor service',
    off: {
      async rotate(deps, uuid, { revoke = false } = {}) {
        const found = await deps.records.read(uuid);
        const { thumbprint, service } = found?.value.observed ?? {};
        if (!thumbprint || !found?.value.desired.present)
          return { kind: 'nothing-to-rotate', why: 'no-certificate' };
        return accept(deps, { uuid, present: true, service: service ?? '', retire: thumbprint, revoke });
      },
    },
    seen: ['not what was acknowledged'],
    histories: {
      acts: [act(0, provision), act(120 * seconds, rotate), act(1 * seconds, deprovision)],
      calm: true,
      stepMs: 5_000,
    },
    within: 1_000,
  },
  {
    rule: 'an event "created" changes nothing for a device that was requested before',
    off: {
      async handleEvent(deps, { kind: _, ...event }) {
        const uuid = 'uuid' in event ? event.uuid : '';
        const { record } = await accept(deps, { uuid, present: true, service: 'a' });
        return { outcome: 'accepted', uuid, requestId: record.desired.requestId, message: '' };
      },
    },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, deprovision), act(60 * seconds, { kind: 'created' })] },
    within: 100,
  },
  {
    rule: 'a revoked thumbprint never comes back',
    off: {
      hub: (hub) => ({
        ...hub,
        update: (uuid, [thumbprint], version, ms) =>
          hub.update(uuid, [thumbprint, pairOf(uuid, 0).thumbprint], version, ms),
      }),
    },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, provision), act(120 * seconds, rotate)], poison: null },
    within: 300,
  },
  {
    rule: 'a check looks at a device whose request failed for good',
    off: {
      onWrite(record) {
        if (record.job?.dead) record.check = null;
      },
    },
    seen: [identityLeft],
    histories: {
      acts: [
        act(0, provision),
        // The rotation fails for good, because balena refuses its writes.
        act(120 * seconds, { kind: 'right', mayWrite: false }),
        act(1 * seconds, { kind: 'rotate', revoke: false }),
        act(700 * seconds, { kind: 'tamper', how: 'delete-device', scope: '' }),
        act(1 * seconds, check),
      ],
      calm: true,
      maxAttempts: 3,
      poison: null,
      sick: null,
      late: null,
    },
    within: 300,
  },
  {
    rule: 'a check that is requested during a run follows the run',
    off: {
      onWrite(record) {
        if (!record.check) return;
        const { again: _, ...lost } = record.check;
        record.check = lost;
      },
    },
    seen: [identityLeft],
    histories: {
      acts: [
        act(0, provision),
        // The run has seen the device in balena, and asks the hub.
        act(120 * seconds, { kind: 'check', forceVerify: true }),
        act(3 * seconds, { kind: 'tamper', how: 'delete-device', scope: '' }),
        act(0, check),
      ],
      calm: true,
      failing: 0.3,
      stepMs: 500,
      workers: 1,
      poison: null,
      sick: null,
    },
    within: 200,
  },
  {
    rule: 'a device does not wait for ever',
    off: {
      onWrite(record) {
        const { job, error } = record;
        if (job && !job.dead && error) record.job = { ...job, due: job.due + 86_400 * seconds };
      },
    },
    seen: ['waits too long'],
    histories: { calm: true },
    within: 600,
  },
  {
    rule: 'one device with failing calls opens no circuit',
    off: {
      circuit: (circuit) => ({
        ...circuit,
        failed: (error, user) => circuit.failed(error, user, async () => error),
      }),
    },
    seen: ['the circuit of balena opened for one device'],
    histories: {
      acts: [act(0, provision)],
      sick: { device: 0, dependency: 'balena', how: 'unavailable', reads: true, forever: true },
      poison: null,
    },
    within: 100,
  },
  {
    rule: 'a device with failing calls fails for good after MAX_ATTEMPTS',
    off: {
      circuit: (circuit) => ({
        ...circuit,
        async failed(...failure) {
          await circuit.failed(...failure);
          return false;
        },
      }),
    },
    seen: ['waits too long', 'stuck'],
    histories: {
      acts: [act(0, provision)],
      sick: { device: 0, dependency: 'balena', how: 'unavailable', reads: true, forever: true },
      poison: null,
      maxAttempts: 3,
    },
    within: 100,
  },
  {
    rule: 'a request that fails for good leaves a dead letter',
    off: { noDeadLetters: true },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, { kind: 'provision', scope: 'x' })] },
    within: 50,
  },
  {
    rule: 'a request that waits for its validation comes back after a refused request',
    off: {
      onWrite(record) {
        if (record.fallback && !record.fallback.desired.validated) record.fallback = null;
      },
    },
    seen: ['not what was acknowledged'],
    histories: {
      acts: [act(0, provision), act(0, { kind: 'provision', scope: 'x' })],
      poison: null,
      late: null,
    },
    within: 300,
  },
  {
    rule: 'the validated desired state comes back after a refused request',
    off: {
      onWrite(record) {
        record.fallback = null;
      },
    },
    seen: ['a refused request ended a good state'],
    histories: {
      acts: [act(0, provision), act(120 * seconds, { kind: 'provision', scope: 'x' })],
      poison: null,
      late: null,
    },
    within: 300,
  },
  {
    rule: 'a device or services that balena does not have yet get quick tries',
    off: {
      onRead(record) {
        record.quickTries = 4;
      },
    },
    seen: ['given up without a reason: device-not-found', 'given up without a reason: service-not-found'],
    histories: {
      acts: [act(0, provision)],
      late: { device: 0, what: 'services', ms: 20 * seconds },
      calm: true,
      poison: null,
    },
    within: 100,
  },
  {
    rule: 'after the event "online" a check does what a request desired that failed because balena did not have it yet',
    off: {
      handleEvent: async (_deps, event) => ({
        outcome: 'ignored',
        uuid: 'uuid' in event ? event.uuid : '',
        message: '',
      }),
    },
    seen: ['not what was acknowledged'],
    histories: {
      acts: [act(0, provision)],
      late: { device: 0, what: 'device', ms: 800 * seconds },
      calm: true,
      poison: null,
    },
    within: 100,
  },
  {
    rule: 'a provisioned device that requests again is looked at before it is told 409',
    off: {
      async accept(deps, requested) {
        const answer = await accept(deps, requested);
        return answer.kind === 'checking' ? { ...answer, kind: 'already-provisioned' } : answer;
      },
    },
    seen: ['an untrue 409'],
    histories: {
      acts: [
        act(0, provision),
        act(200 * seconds, { kind: 'tamper', how: 'remove', scope: 'a' }),
        act(300 * seconds, provision),
      ],
      poison: null,
      late: null,
    },
    within: 300,
  },
  {
    rule: 'a late copy of a message restarts no dead job: the job knows its dead letters',
    off: {
      // Every copy looks like the message that was dead-lettered.
      queue: (queue) => ({
        ...queue,
        send: (message, envelope) => queue.send({ ...message, due: 0, from: undefined }, envelope),
      }),
    },
    seen: ['replayed without anyone asking'],
    histories: {
      acts: [act(0, { kind: 'provision', scope: 'x' })],
      calm: false,
      crashes: 0,
      stalls: 0.04,
      faultsForMs: 600 * seconds,
      poison: null,
      late: null,
      sick: null,
    },
    within: 1_000,
  },
  {
    rule: 'a resent dead letter is done again: the job knows its dead letters',
    off: {
      onWrite: ({ job }) => {
        if (job?.dead) Object.assign(job.dead, { deadLetters: [] });
      },
    },
    seen: ['a resent dead letter was left'],
    histories: {
      acts: [
        act(0, { kind: 'provision', scope: 'x' }),
        act(200 * seconds, { kind: 'resend', keepsId: false }),
      ],
      ...calmly,
    },
    within: 100,
  },
  {
    rule: 'a request without a proof changes nothing that a device has requested with a proof',
    off: { accept: (deps, requested) => accept(deps, requested) },
    seen: ['a request without a proof counted'],
    histories: {
      acts: [act(0, { ...provision, proof: true }), act(200 * seconds, { ...moveTo('b'), proof: false })],
      ...calmly,
    },
    within: 100,
  },
  {
    rule: 'requests of others keep no device out that proves its identity',
    off: { accept: (deps, requested, proof) => accept(deps, requested, proof === true ? undefined : proof) },
    seen: ['a device with a proof was kept out by others'],
    histories: {
      acts: [
        act(0, { ...provision, proof: false }),
        act(200 * seconds, { ...moveTo('b'), proof: false }),
        act(200 * seconds, { ...provision, proof: true }),
      ],
      ...calmly,
    },
    within: 100,
  },
  {
    rule: 'a message from before the signature asks the hub which certificate a device may use whose record was lost',
    off: {
      onWrite: ({ job, desired }) => {
        if (job && desired.own?.thumbprint === null) Object.assign(job, { forceVerify: undefined });
      },
    },
    seen: ['the hub rejects the certificate that the device uses'],
    histories: {
      acts: [
        act(0, { ...own, csr: 'stays' }),
        act(20 * seconds, { kind: 'poll' }),
        act(1 * seconds, { kind: 'tamper', how: 'lose-record', scope: '' }),
      ],
      calm: false,
      crashes: 0.05,
      stalls: 0.04,
      failing: 0.3,
      stepMs: 50,
      poison: null,
      late: null,
      sick: null,
    },
    within: 600,
  },
  {
    rule: 'the variables of an issued key stay until the device has shown that it uses its own key',
    off: {
      onWrite: ({ desired }) => {
        if (desired.own) Object.assign(desired.own, { handedOver: true });
      },
    },
    seen: ['variables were removed before the use of the own key was shown'],
    histories: { acts: [act(0, provision), act(200 * seconds, own)], ...calmly },
    within: 100,
  },
  {
    rule: 'the own certificate before the last one stays accepted',
    off: {
      onWrite: ({ desired }) => {
        if (desired.own) Object.assign(desired.own, { before: null });
      },
    },
    seen: ['not what was acknowledged'],
    histories: { acts: [act(0, own), act(200 * seconds, { ...own, fresh: true })], ...calmly },
    within: 100,
  },
  {
    rule: 'a revocation of an own certificate revokes its key',
    off: {
      onWrite: ({ desired }) => {
        Object.assign(desired, { revokedKeys: undefined });
      },
    },
    seen: ['not what was acknowledged'],
    histories: {
      acts: [act(0, own), act(200 * seconds, rotate), act(200 * seconds, { ...own, fresh: true })],
      ...calmly,
    },
    within: 100,
  },
  {
    rule: 'a revocation waits for no CA that does not answer',
    off: {
      // The failure does not look like one of the CA.
      ca: (ca) => ({
        ...ca,
        sign: (...signature) =>
          ca.sign(...signature).catch(() => {
            throw new ProvisioningError('ca-unavailable', 'No answer (fake).');
          }),
      }),
    },
    seen: ['a revocation waits for the CA'],
    histories: {
      acts: [
        act(0, { ...own, csr: 'stays' }),
        act(200 * seconds, { kind: 'ca', ms: 3_600 * seconds }),
        act(5 * seconds, { ...own, fresh: true, csr: 'stays' }),
        act(5 * seconds, rotate),
      ],
      ...calmly,
      failing: 0.3,
      faultsForMs: 900 * seconds,
    },
    within: 100,
  },
  {
    rule: 'a certificate of an unknown key does not stay beside a revocation: the record was lost',
    off: {
      onRead: (record) => {
        const { own, revokedKeys } = record.desired;
        if (own?.before && revokedKeys && !record.observed.ownKeys?.[own.before])
          record.observed = { ...record.observed, ownKeys: { [own.before]: 'another key' } };
      },
    },
    seen: ['a certificate of a revoked key was registered'],
    histories: {
      acts: [
        act(0, own),
        // The next request of the device waits for its registry operation.
        ...[1, 2].map((device) => ({ device, afterMs: 100 * seconds, what: provision })),
        { device: 1, afterMs: 0, what: rotate },
        act(0, { ...own, fresh: true }),
        act(4 * seconds, { kind: 'tamper', how: 'lose-record', scope: '' }),
        act(120 * seconds, rotate),
      ],
      ...calmly,
      perMinute: 6,
      failing: 0.3,
      stepMs: 50,
    },
    within: 300,
  },
  {
    rule: 'the record has a certificate of the CA before the hub hears of it',
    off: {
      onWrite: ({ desired }, before) => {
        const earlier = before?.desired.own;
        // The write of the signed certificate has no effect.
        if (earlier?.thumbprint === null && desired.own?.key === earlier.key)
          Object.assign(desired, { own: earlier });
      },
    },
    seen: ['the hub heard of a certificate that no record has held'],
    histories: { acts: [act(0, { ...own, csr: 'stays' })], ...calmly },
    within: 100,
  },
];
